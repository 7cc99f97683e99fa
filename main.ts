/** `pgw`: the composition root. */

import { main, type Roles } from "./mod/cli/main.ts";

/** Loaded when asked for: a role does not wait for the other's code, and a probe for neither. */
const roles: Roles = {
  runGateway: async (mode, settings) => (await import("./mod/runtime/gateway.ts")).runGateway(mode, settings),
  runClient: async (mode, settings) => (await import("./mod/runtime/client.ts")).runClient(mode, settings),
};

Deno.exit(await main(Deno.args, roles));
