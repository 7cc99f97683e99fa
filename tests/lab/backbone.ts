/** All that is not a Pod under test: the router (the node), the internet, and the cluster's DNS and web server. */
import { host, Namespace } from "./namespace.ts";
import { Pod, type PodPlace } from "./pod.ts";
import { scriptCommand } from "./program.ts";
import {
  type Cni,
  directAddress,
  hosts,
  internet,
  internetDomain,
  names,
  nodeAddress,
  podAddress,
  podNetwork,
  routerAddress,
  serviceAddress,
  type ServiceName,
  serviceNetwork,
  services,
} from "./topology.ts";

/** `name` in lower case. */
export type DnsQuery = { readonly name: string; readonly type: string; readonly from: string };

/** The router: between the Pods, from Services to Pods, and the direct way to the internet. */
export async function createRouter(name: string, internetName: string, cni: Cni): Promise<Namespace> {
  const router = new Namespace(name);
  await router.create();
  const off = ["rp_filter=0", "send_redirects=0"].flatMap((
    key,
  ) => [`net.ipv4.conf.all.${key}`, `net.ipv4.conf.default.${key}`]);
  await router.sysctl(
    ...off,
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv6.conf.default.accept_dad=0",
  );
  const veth = ["ip", "link", "add", "direct", "netns", name, "type", "veth", "peer", "name", "direct"];
  await host([...veth, "netns", internetName]);
  await host(["ip", "-n", internetName, "link", "set", "direct", "up"]);
  await router.ip(
    `addr add ${nodeAddress.v4} peer ${internet.direct.v4} dev direct`,
    `addr add ${nodeAddress.v6} peer ${internet.direct.v6} dev direct nodad`,
    "link set direct up",
    `route add default via ${internet.direct.v4}`,
    `route add default via ${internet.direct.v6} dev direct onlink`,
    // A Pod that is gone is not looked for in the internet. (A bridge's own route comes first.)
    `route add blackhole ${podNetwork.v4} metric 9999`,
    `route add blackhole ${podNetwork.v6} metric 9999`,
    ...(cni === "bridge" ? bridgeCommands : []),
  );
  await router.iptables(4, routerRules(cni));
  const servicesPod = podAddress(hosts.services).v4;
  await setService(router, "dns-udp", [servicesPod]);
  await setService(router, "dns-tcp", [servicesPod]);
  await setService(router, "web", [servicesPod]);
  return router;
}

const bridgeCommands = [
  "link add cni0 type bridge",
  `addr add ${routerAddress.v4}/24 dev cni0`,
  `addr add ${routerAddress.v6}/64 dev cni0 nodad`,
  "link set cni0 up",
];

/** Each Pod has an address of its own on the direct way, so that one can tell who leaked. */
function routerRules(cni: Cni): string {
  const pods = [hosts.client(0), hosts.client(1), hosts.gateway(0), hosts.gateway(1), hosts.stranger, hosts.services];
  const direct = pods.flatMap((host) => [
    `-A POSTROUTING -o direct -s ${podAddress(host).v4} -j SNAT --to-source ${directAddress(host).v4}`,
    `-A PREROUTING -i direct -d ${directAddress(host).v4} -j DNAT --to-destination ${podAddress(host).v4}`,
  ]);
  // On a bridge the answer of a Service's Pod to its neighbour would not come by to be translated back.
  const hairpin = `-A POSTROUTING -s ${podNetwork.v4} -d ${podNetwork.v4} -m conntrack --ctstate DNAT -j MASQUERADE`;
  const chains = Object.keys(services).flatMap((service) => [
    `:SVC-${service} - [0:0]`,
    `-A PREROUTING -j SVC-${service}`,
    `-A OUTPUT -j SVC-${service}`,
  ]);
  const nat = ["*nat", ...chains, ...direct, ...(cni === "bridge" ? [hairpin] : []), "COMMIT"];
  const filter = ["*filter", `-A FORWARD -d ${serviceNetwork} -j REJECT`, "COMMIT"];
  return [...nat, ...filter, ""].join("\n");
}

/** Gives a Service its Pods: each connection goes to one of them by chance; where there is none, it is refused. */
export async function setService(router: Namespace, service: ServiceName, pods: readonly string[]): Promise<void> {
  const { address, protocol, port, podPort } = services[service];
  const chain = `SVC-${service}`;
  const rules = pods.map((pod, i) => {
    const chance = `-m statistic --mode random --probability ${(1 / (pods.length - i)).toFixed(6)}`;
    return `-A ${chain} -d ${address} -p ${protocol} --dport ${port} ${chance} -j DNAT --to-destination ${pod}:${podPort}`;
  });
  await router.iptables(4, ["*nat", `:${chain} - [0:0]`, ...rules, "COMMIT", ""].join("\n"));
}

/** The internet: a web server and a DNS server, reached by the direct way and by each gateway's VPN. */
export class Internet extends Namespace {
  override async create(): Promise<void> {
    await super.create();
    await this.sysctl(
      "net.ipv4.conf.all.rp_filter=0",
      "net.ipv4.conf.default.rp_filter=0",
      "net.ipv4.ip_forward=1",
      "net.ipv6.conf.all.forwarding=1",
      "net.ipv6.conf.default.accept_dad=0",
    );
  }

  /** After the router made the link to it. */
  async start(): Promise<void> {
    const { web, dns, direct } = internet;
    await this.ip(
      ...[web.v4, dns.v4].map((address) => `addr add ${address}/32 dev lo`),
      ...[web.v6, dns.v6].map((address) => `addr add ${address}/128 dev lo nodad`),
      `addr add ${direct.v4} peer ${nodeAddress.v4} dev direct`,
      `addr add ${direct.v6} peer ${nodeAddress.v6} dev direct nodad`,
      `route add 203.0.113.0/26 via ${nodeAddress.v4}`,
      `route add ${podNetwork.v6} via ${nodeAddress.v6} dev direct onlink`,
    );
    await serveDns(this, [
      ...[dns.v4, dns.v6].map((address) => `--listen-address=${address}`),
      ...[web.v4, web.v6].map((address) => `--address=/${internetDomain}/${address}`),
    ]);
    await this.spawn(scriptCommand("web_main.ts", "80", web.v4, web.v6)).waitFor(/^ready$/);
  }

  /** Each question that its DNS server got so far. */
  dnsQueries(): readonly DnsQuery[] {
    return readDnsLog(this);
  }
}

/** The cluster's own services: DNS (its questions for other names go to the internet's, the direct way) and a web server. */
export class ClusterServices extends Pod {
  constructor(place: Omit<PodPlace, "name" | "host">) {
    super({ ...place, name: "services", host: hosts.services });
  }

  async start(): Promise<void> {
    Deno.writeTextFileSync(this.#hostsFile, "");
    await serveDns(this, [
      `--listen-address=${this.address.v4}`,
      `--server=${internet.dns.v4}`,
      "--local=/cluster.local/",
      `--host-record=${names.gateway},${serviceAddress.gateway}`,
      `--host-record=${names.web},${serviceAddress.web}`,
      `--host-record=${names.api},${serviceAddress.api}`,
      `--addn-hosts=/run/hosts`,
    ]);
    await this.spawn(scriptCommand("web_main.ts", "8080", this.address.v4)).waitFor(/^ready$/);
  }

  /** The addresses of the headless Service. */
  setHeadless(addresses: readonly string[]): void {
    Deno.writeTextFileSync(this.#hostsFile, addresses.map((address) => `${address} ${names.gateways}\n`).join(""));
    this.processes.find((process) => process.name.includes(" dnsmasq "))?.kill("SIGHUP");
  }

  /** Each question that the cluster's DNS got so far. */
  dnsQueries(): readonly DnsQuery[] {
    return readDnsLog(this);
  }

  get #hostsFile(): string {
    return `${this.runDirectory}/hosts`;
  }
}

async function serveDns(namespace: Namespace, options: readonly string[]): Promise<void> {
  const common =
    "--keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --bind-interfaces --user=root --group=";
  const log = ["--log-queries", "--log-facility=-", "--pid-file="];
  const dnsmasq = namespace.spawn(["dnsmasq", ...common.split(" "), ...log, ...options]);
  await dnsmasq.waitFor(/started, version/);
}

function readDnsLog(namespace: Namespace): readonly DnsQuery[] {
  const dnsmasq = namespace.processes.find((process) => process.name.includes(" dnsmasq "));
  return (dnsmasq?.lines ?? []).flatMap(({ text }) => {
    const found = /query\[(\w+)\] (\S+) from (\S+)/.exec(text);
    return found === null ? [] : { type: found[1] ?? "", name: (found[2] ?? "").toLowerCase(), from: found[3] ?? "" };
  });
}
