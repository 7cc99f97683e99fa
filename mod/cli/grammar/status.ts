/** `pgw status [--json] [--watch]` */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { command, constant, flag } from "@optique/core/primitives";
import { commonTable } from "../../config/table.ts";
import { settingsOptions } from "./settings.ts";

export const statusCommand = command(
  "status",
  object({
    command: constant("status"),
    json: withDefault(flag("--json", { description: message`Print the JSON that it answered.` }), false),
    watch: withDefault(flag("--watch", { description: message`Print again each second until stopped.` }), false),
    flags: settingsOptions({ httpPort: commonTable.httpPort }),
  }),
  { brief: message`Show what the pgw in this Pod does, since when, and how it got there.` },
);
