/** The tests in the cluster, in the order in which they run. */

import type { Test } from "../world.ts";
import { clientKilled } from "./client_killed.ts";
import { doctor } from "./doctor.ts";
import { forms } from "./forms.ts";
import { machines } from "./machines.ts";
import { gatewayFaults } from "./gateway_faults.ts";
import { ipv6 } from "./ipv6.ts";
import { many } from "./many.ts";
import { networkPolicy } from "./network_policy.ts";
import { podSecurity } from "./pod_security.ts";
import { positiveControl } from "./positive_control.ts";
import { reach } from "./reach.ts";
import { vxlanDropped } from "./vxlan_dropped.ts";

export const tests: readonly Test[] = [
  positiveControl,
  reach,
  doctor,
  forms,
  gatewayFaults,
  clientKilled,
  networkPolicy,
  many,
  podSecurity,
  ipv6,
  machines,
  vxlanDropped,
];
