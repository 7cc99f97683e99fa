/** `pgw leases [--json]` */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { command, constant, flag } from "@optique/core/primitives";
import { commonTable } from "../../config/table.ts";
import { settingsOptions } from "./settings.ts";

export const leasesCommand = command(
  "leases",
  object({
    command: constant("leases"),
    json: withDefault(flag("--json", { description: message`Print the JSON that it answered.` }), false),
    flags: settingsOptions({ httpPort: commonTable.httpPort }),
  }),
  { brief: message`Show the addresses that the gateway in this Pod has given to clients.` },
);
