/**
 * A client as the seed has it (../shared/seed): curl asks the Service for a gateway, `ip` sets up routes and the VXLAN,
 * dhclient (or udhcpc) leases an address. It is what our client is measured against.
 */
import { labDirectory } from "../lab/enter.ts";
import { host } from "../lab/namespace.ts";
import type { Pod } from "../lab/pod.ts";

/** The leases' clients of Debian. */
export type DhcpProgram = "dhclient" | "udhcpc";

/** When each step was done, milliseconds after the start. */
export type SeedClientTimes = {
  readonly gatewayKnown: number;
  readonly defaultRouteGone: number;
  readonly deviceUp: number;
  readonly leased: number;
};

/** Connects `pod` by way of `service`. Throws when a step fails. */
export async function connectSeedClient(
  pod: Pod,
  service: string,
  program: DhcpProgram = "dhclient",
): Promise<SeedClientTimes> {
  const start = performance.now();
  const since = () => Math.round(performance.now() - start);
  const { stdout } = await pod.exec(["curl", "-fsS", "--max-time", "5", `http://${service}`]);
  const gateway = stdout.trim();
  const gatewayKnown = since();

  const { stdout: routes } = await pod.exec(["ip", "route", "show", "default"]);
  const router = / via (\S+)/.exec(routes)?.[1] ?? "";
  await pod.ip(
    "route del default",
    `route add ${gateway} via ${router} dev eth0 onlink`,
    `route add 192.168.0.0/16 via ${router} dev eth0 onlink`,
    `route add 10.0.0.0/8 via ${router} dev eth0 onlink`,
  );
  const defaultRouteGone = since();

  await pod.ip(
    `link add vxlan3150 type vxlan id 3150 remote ${gateway} dstport 4789 dev eth0`,
    "link set vxlan3150 up",
  );
  const deviceUp = since();

  await leaseWith[program](pod);
  return { gatewayKnown, defaultRouteGone, deviceUp, leased: since() };
}

const leaseWith: Readonly<Record<DhcpProgram, (pod: Pod) => Promise<void>>> = {
  async dhclient(pod) {
    await host(["cp", "-u", "/sbin/dhclient", `${labDirectory}/dhclient`]); // AppArmor confines it where it is installed
    await host(["cp", "-u", `${labDirectory}/dhclient`, `${pod.runDirectory}/dhclient`]);
    await Deno.writeTextFile(`${pod.runDirectory}/dhclient.conf`, dhclientConf);
    await Deno.writeTextFile(`${pod.runDirectory}/dhclient-script`, dhclientScript, { mode: 0o755 });
    const files = "-cf /run/dhclient.conf -lf /run/dhclient.leases -pf /run/dhclient.pid -sf /run/dhclient-script";
    await pod.exec(["/run/dhclient", "-v", "-1", ...files.split(" "), "vxlan3150"], { timeoutMs: 40_000 });
  },
  async udhcpc(pod) {
    await Deno.writeTextFile(`${pod.runDirectory}/udhcpc-script`, udhcpcScript, { mode: 0o755 });
    const options = "-i vxlan3150 -n -q -t 5 -T 2 -s /run/udhcpc-script";
    await pod.exec(["udhcpc", ...options.split(" ")], { timeoutMs: 40_000 });
  },
};

/** The seed's settings. */
const dhclientConf = `
backoff-cutoff 2;
initial-interval 1;
reboot 0;
retry 10;
select-timeout 0;
timeout 30;
interface "vxlan3150" {
  request subnet-mask, broadcast-address, routers;
  require routers, subnet-mask;
}
`;

/** What Debian's does, without its resolv.conf. */
const dhclientScript = `#!/bin/sh
case "$reason" in
  BOUND|RENEW|REBIND|REBOOT)
    ip addr replace "$new_ip_address/$new_subnet_mask" broadcast "$new_broadcast_address" dev "$interface"
    ip route replace default via "$new_routers" dev "$interface"
    ;;
esac
`;

const udhcpcScript = `#!/bin/sh
case "$1" in
  bound|renew)
    ip addr replace "$ip/$mask" dev "$interface"
    ip route replace default via "$router" dev "$interface"
    ;;
esac
`;
