/** Servers in the lab's internet: NSD and Knot hold the zones; unbound, dnsmasq and Knot Resolver ask them for others. */
import { labDirectory } from "../../lab/enter.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";
import { eventually } from "../../lab/roles.ts";
import { zoneText } from "./zone.ts";

const address = {
  nsd: "203.0.113.55",
  knot: "203.0.113.56",
  unbound: "203.0.113.57",
  dnsmasq: "203.0.113.58",
  kresd: "203.0.113.59",
} as const;

/** A zone, the resolver that is asked about it, and whether it is signed. */
export type Zone = { readonly origin: string; readonly resolver: string; readonly isSigned: boolean };
/** The first two come by way of the outside's resolver, the others by a route of their own. */
export const zones = {
  plain: { origin: "plain.test.", resolver: address.unbound, isSigned: false },
  unbound: { origin: "u.test.", resolver: address.unbound, isSigned: true },
  dnsmasq: { origin: "d.test.", resolver: address.dnsmasq, isSigned: true },
  kresd: { origin: "k.test.", resolver: address.kresd, isSigned: true },
} as const satisfies Readonly<Record<string, Zone>>;

/** What a gateway is set up with to ask them. */
export const gatewaySettings = {
  PGW_DNS_UPSTREAMS: address.unbound,
  PGW_DNS_ROUTES: `d.test=${address.dnsmasq} k.test=${address.kresd}`,
};

let started: { readonly lab: Lab; readonly keys: Promise<string> } | undefined;

/** Starts them, once for a lab. Returns the keys of the signed zones, each as a DNSKEY record in one line. */
export async function startServers(lab: Lab): Promise<string> {
  if (started?.lab !== lab) started = { lab, keys: start(lab.internet) };
  return await started.keys;
}

async function start(internet: Namespace): Promise<string> {
  const directory = await Deno.makeTempDir({ dir: labDirectory });
  const write = (name: string, text: string) => Deno.writeTextFileSync(`${directory}/${name}`, text);
  await internet.ip(...Object.values(address).map((one) => `addr add ${one}/32 dev lo`));
  for (const { origin } of Object.values(zones)) write(`${origin}zone`, zoneText(origin));
  for (const name of ["knot", "kresd"]) Deno.mkdirSync(`${directory}/${name}`);
  write("nsd.conf", nsdConfig(directory));
  write("knot.conf", knotConfig(directory));
  internet.spawn(["nsd", "-d", "-c", `${directory}/nsd.conf`]);
  internet.spawn(["knotd", "-c", `${directory}/knot.conf`]);
  const signed = Object.values(zones).filter(({ isSigned }) => isSigned);
  const keys = await Promise.all(signed.map(({ origin }) => keyOf(internet, origin)));
  const keyIn = ({ origin }: Zone) => keys.find((key) => key.startsWith(origin)) ?? "";
  write("unbound.conf", unboundConfig(directory, keyIn(zones.unbound)));
  write("kresd.conf", kresdConfig(keyIn(zones.kresd)));
  internet.spawn(["unbound", "-d", "-c", `${directory}/unbound.conf`]);
  internet.spawn(["dnsmasq", ...dnsmasqArguments]);
  internet.spawn(["kresd", "-n", "-c", `${directory}/kresd.conf`, `${directory}/kresd`]);
  await Promise.all(Object.values(zones).map((zone) => untilAnswered(internet, zone)));
  return keys.join("\n");
}

/** Ends the outside's resolver; what is returned starts it again. */
export async function stopOutside({ internet }: Lab): Promise<() => Promise<void>> {
  const unbound = internet.processes.find(({ name }) => name.includes(": unbound "))!;
  await unbound.stop("SIGKILL");
  const command = unbound.name.split(": ")[1]!.split(" ");
  return async () => {
    internet.spawn(command);
    await untilAnswered(internet, zones.unbound);
  };
}

/** The key of a zone, once Knot has signed it. */
async function keyOf(internet: Namespace, origin: string): Promise<string> {
  return await eventually(`${origin} is signed`, async () => {
    const { stdout } = await internet.exec([
      "dig",
      `@${address.knot}`,
      "+short",
      "+tries=1",
      "+time=1",
      origin,
      "DNSKEY",
    ], {
      check: false,
    });
    const [key] = stdout.split("\n");
    return key?.startsWith("257 ") && `${origin} DNSKEY ${key}`;
  });
}

async function untilAnswered(internet: Namespace, { origin, resolver }: Zone): Promise<void> {
  await eventually(`${resolver} answers about ${origin}`, async () => {
    const { stdout } = await internet.exec(["dig", `@${resolver}`, "+tries=1", "+time=1", `www.${origin}`], {
      check: false,
    });
    return stdout.includes("status: NOERROR");
  });
}

const nsdConfig = (directory: string) => `
server:
  ip-address: ${address.nsd}
  username: ""
  zonesdir: "${directory}"
  zonelistfile: "${directory}/nsd.list"
  xfrdfile: "${directory}/nsd.xfrd"
  xfrdir: "${directory}"
  database: ""
  pidfile: ""
remote-control:
  control-enable: no
zone:
  name: "${zones.plain.origin}"
  zonefile: "${zones.plain.origin}zone"
`;

const knotConfig = (directory: string) => `
server:
  listen: ${address.knot}@53
  rundir: "${directory}"
database:
  storage: "${directory}/knot"
policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "${directory}"
    file: "%s.zone"
    dnssec-signing: on
    dnssec-policy: one-key
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
${
  Object.values(zones).filter(({ isSigned }) => isSigned).map(({ origin }) =>
    `  - domain: ${origin}\n    file: ${origin}zone`
  ).join("\n")
}
`;

const unboundConfig = (directory: string, key: string) => `
server:
  interface: ${address.unbound}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  module-config: "validator iterator"
  trust-anchor: "${key}"
  domain-insecure: "${zones.plain.origin}"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "${zones.plain.origin}"
  stub-addr: ${address.nsd}
stub-zone:
  name: "${zones.unbound.origin}"
  stub-addr: ${address.knot}
`;

const dnsmasqArguments = [
  ..."--keep-in-foreground --user=root --group= --conf-file=/dev/null --pid-file= --no-resolv --no-hosts".split(" "),
  "--bind-interfaces",
  // From its cache it tells NOERROR of an alias to a name that does not exist.
  "--cache-size=0",
  `--listen-address=${address.dnsmasq}`,
  `--server=/${zones.dnsmasq.origin}/${address.knot}`,
];

const kresdConfig = (key: string) => `
net.listen('${address.kresd}', 53, { kind = 'dns' })
modules = { 'policy' }
trust_anchors.remove('.')
trust_anchors.add('${key}')
policy.add(policy.suffix(policy.FORWARD('${address.knot}'), { todname('${zones.kresd.origin}') }))
cache.size = 10 * MB
`;
