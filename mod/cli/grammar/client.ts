/** `pgw client init|start|run SERVICE` */

import { message } from "@optique/core/message";
import { command } from "@optique/core/primitives";
import { clientTable } from "../../config/table.ts";
import { modeCommands } from "./modes.ts";

export const clientCommand = command(
  "client",
  modeCommands("client", clientTable, {
    init: message`Close the Pod, open the way through the gateway, then end: for an init container.`,
    start: message`Watch the gateway until stopped, and find another when it fails: for a sidecar.`,
    run: message`Close the Pod, open the way through the gateway and watch it until stopped: both in one process.`,
  }),
  {
    brief: message`Send this Pod's traffic through a gateway.`,
    description:
      message`Send this Pod's traffic through a gateway. The firewall stays closed when pgw ends, however it ends.`,
  },
);
