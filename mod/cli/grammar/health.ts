/** `pgw health [--ready|--live|--startup]` */

import { object, or } from "@optique/core/constructs";
import { type Message, message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { command, constant, flag } from "@optique/core/primitives";
import { commonTable } from "../../config/table.ts";
import type { HealthCheck } from "../invocation.ts";
import { settingsOptions } from "./settings.ts";

export const healthCommand = command(
  "health",
  object({
    command: constant("health"),
    check: optional(or(
      checkFlag("ready", message`Ask whether it can serve right now (/readyz).`),
      checkFlag("live", message`Ask whether the process works, whatever the network does (/livez).`),
      checkFlag("startup", message`Ask whether the start is over (/healthz).`),
    )),
    flags: settingsOptions({ httpPort: commonTable.httpPort }),
  }),
  {
    brief: message`Ask the pgw in this Pod whether all is well; the exit code is 0 or 1.`,
    description:
      message`Ask the pgw that runs in this Pod whether all is well: for exec probes. Exit code 0 if so, else 1.`,
  },
);

function checkFlag(check: HealthCheck, description: Message) {
  return map(flag(`--${check}`, { description }), () => check);
}
