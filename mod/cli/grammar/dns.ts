/** `pgw dns query NAME [--type TYPE] [--json]` */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { argument, command, constant, flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { commonTable } from "../../config/table.ts";
import { settingsOptions } from "./settings.ts";

const queryCommand = command(
  "query",
  object({
    command: constant("dns query"),
    name: argument(string({ metavar: "NAME" }), { description: message`The whole name; no search list is used.` }),
    type: withDefault(
      option("--type", string({ metavar: "TYPE" }), { description: message`Which records: A, AAAA, MX, TXT, ... [A]` }),
      "A",
    ),
    json: withDefault(flag("--json", { description: message`Print JSON.` }), false),
    flags: settingsOptions({ httpPort: commonTable.httpPort }),
  }),
  {
    brief: message`Ask for a name as clients do, and show who answered.`,
    description:
      message`On a gateway: asks the forwarder, and shows route, upstream, cache and time. On a client: asks whom applications ask.`,
  },
);

export const dnsCommand = command("dns", queryCommand, {
  brief: message`Ask for a name, and show how it was answered.`,
});
