/** `pgw gateway init|start|run` */

import { message } from "@optique/core/message";
import { command } from "@optique/core/primitives";
import { gatewayTable } from "../../config/table.ts";
import { modeCommands } from "./modes.ts";

export const gatewayCommand = command(
  "gateway",
  modeCommands("gateway", gatewayTable, {
    init: message`Set up the tunnel, forwarding and the firewall, then end: for an init container.`,
    start: message`Serve clients until stopped, and set up what is not there yet: for a sidecar.`,
    run: message`Set up, then serve clients until stopped: both in one process.`,
  }),
  {
    brief: message`Let clients out through this Pod.`,
    description: message`Let clients out through this Pod: tunnel, addresses (DHCP), names (DNS) and firewall.`,
  },
);
