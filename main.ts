/** `pgw`: the composition root. */

import { main, type Roles } from "./mod/cli/main.ts";

/** Loaded when asked for: a role does not wait for the other's code, and a probe for neither. */
const roles: Roles = {
  runGateway: async (mode, settings) => (await import("./mod/runtime/gateway.ts")).runGateway(mode, settings),
  async runClient(mode, settings) {
    const closing = await (await import("./mod/runtime/first_closing.ts")).closeFirst(settings);
    await (await import("./mod/runtime/client.ts")).runClient(mode, settings, closing);
  },
};

Deno.exit(await main(Deno.args, roles));
