/**
 * A gateway as the seed has it (../shared/seed): `ip`, iptables, dnsmasq with its settings, and an HTTP server that answers
 * the Pod's address and nothing else.
 */
import type { Pod } from "../lab/pod.ts";
import type { Process } from "../lab/process.ts";
import { scriptCommand } from "../lab/program.ts";

export type SeedGateway = {
  readonly dnsmasq: Process;
  readonly http: Process;
};

export const seedDhcp = "--dhcp-range=172.29.0.20,172.29.0.254,12h --dhcp-leasefile=/run/dnsmasq.leases --log-dhcp"
  .split(" ");

/** Sets one up in `pod` and returns when it answers. `dhcp`: dnsmasq's options for it; none: it answers DNS alone. */
export async function startSeedGateway(pod: Pod, dhcp: readonly string[] = seedDhcp): Promise<SeedGateway> {
  await pod.sysctl("net.ipv4.ip_forward=1"); // the seed's container is privileged
  await pod.ip(
    "link add vxlan3150 type vxlan id 3150 dstport 4789 dev eth0",
    "addr add 172.29.0.1/24 dev vxlan3150",
    "link set vxlan3150 up",
  );
  await pod.iptables(4, "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n");
  const nameservers = [...pod.resolvConf().matchAll(/^nameserver (\S+)$/gm)].map(([, address]) =>
    `--server=${address}`
  );
  const dnsmasq = pod.spawn([
    ..."dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --group=".split(" "),
    ..."--interface=vxlan3150 --bind-interfaces --log-queries --log-facility=- --no-resolv".split(" "),
    ...dhcp,
    ...nameservers,
  ]);
  const http = pod.spawn(scriptCommand("../interop/seed_http_main.ts", pod.address.v4));
  await dnsmasq.waitFor(/started, version/);
  await http.waitFor(/^ready$/);
  return { dnsmasq, http };
}
