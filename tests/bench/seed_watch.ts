/**
 * What the seed's client means to do once it is connected: ping the gateway each interval and, when there is no answer, ask
 * the Service again, make a new VXLAN and lease an address. (Its own loop never gets so far: it calls a function that is
 * not there.) Its ping gives up after 1 s here, not after ping's own 10 s.
 */
import type { Pod } from "../lab/pod.ts";
import type { Process } from "../lab/process.ts";
import { routerAddress } from "../lab/topology.ts";

const dhclient = "/run/dhclient -1 -cf /run/dhclient.conf -lf /run/dhclient.leases -pf /run/dhclient.pid " +
  "-sf /run/dhclient-script vxlan3150";

/** In a Pod that `connectSeedClient` connected with dhclient. */
export function watchAsSeed(pod: Pod, service: string, intervalSeconds: number): Process {
  return pod.spawn([
    "sh",
    "-c",
    `while :; do
      sleep ${intervalSeconds}
      ping -q -c 1 -W 1 172.29.0.1 >/dev/null && continue
      echo "closed: no answer"
      until gateway=$(curl -fs --max-time 5 http://${service}); do sleep 0.1; done
      kill "$(cat /run/dhclient.pid)"
      ip link delete vxlan3150
      ip route replace "$gateway" via ${routerAddress.v4} dev eth0 onlink
      ip link add vxlan3150 type vxlan id 3150 remote "$gateway" dstport 4789 dev eth0
      ip link set vxlan3150 up
      ${dhclient}
      echo "open: through $gateway"
    done`,
  ]);
}
