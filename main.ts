/** `pgw`: the composition root. */

import { main, type Roles } from "./mod/cli/main.ts";
import { PgwError } from "./mod/errors.ts";

/** Loaded when asked for: a role does not wait for the other's code, and a probe for neither. */
const roles: Roles = {
  runGateway: () => Promise.reject(new PgwError("the gateway role is not part of this build")),
  runClient: () => Promise.reject(new PgwError("the client role is not part of this build")),
};

Deno.exit(await main(Deno.args, roles));
