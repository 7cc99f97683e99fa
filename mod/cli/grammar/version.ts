/** `pgw version` */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { command, constant } from "@optique/core/primitives";

export const versionCommand = command(
  "version",
  object({ command: constant("version") }),
  { brief: message`Print the version of pgw and of what it runs on.` },
);
