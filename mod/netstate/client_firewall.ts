/** The client's firewall: the table of `docs/security.md`, as rules. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { formatPrefix } from "../addr/prefix.ts";
import { type ClientNetConfig, type ClientPhase, isLocal, isOpen, type OpenPhase, type Tunnel } from "./client.ts";
import { aroundMark, dhcpClientPort, dhcpReplyPort, dhcpServerPort, dnsPort, probePort } from "./names.ts";
import { neighborDiscovery, rejection, withRules } from "./shared_rules.ts";
import type { Chain, Firewall } from "./state.ts";

const mark = `0x${aroundMark.toString(16)}`;
/** Where the kernel's own choice of a socket's port begins (`ip_local_port_range`). */
const firstEphemeralPort = 32_768;

/**
 * The rules of `view`; `isNest`: as {@link clientNetState} has it. They name the tunnel's device and never the uplink's, so
 * that they stand before anything is known of the Pod, and hold for each interface that it has or gets.
 *
 * Each packet of an open tunnel passes them twice, as it is and as VXLAN. So what nearly all packets are is told first,
 * and by addresses and ports where they do: the name of an interface is what takes longest to compare.
 */
export function clientFirewall(
  config: ClientNetConfig,
  view: ClientPhase,
  isNest: boolean,
): { v4: Firewall; v6: Firewall } {
  return {
    v4: withRules([
      ...aroundMarks4(config, isNest),
      filterOutput4(config, view),
      filterInput4(config, view),
      filterForward4(config, view),
      ...natChains(config, view),
    ]),
    v6: withRules([...aroundMarks6(config), filterOutput6(config), filterInput6(config), filterForward6(config)]),
  };
}

/**
 * A connection that comes in by any interface but the tunnel is answered the way it came: it is marked when it is new,
 * and what belongs to it is routed by that mark. Its first packet is all that the chains of `nat` see, so that marking it
 * there takes none of the others' time.
 */
function aroundMarks4(config: ClientNetConfig, isNest: boolean): Chain[] {
  return [
    {
      table: "nat",
      name: "PGW-INBOUND",
      hook: "PREROUTING",
      rules: [...notInbound(config), ...markInbound],
    },
    {
      table: "mangle",
      name: "PGW-PREROUTING",
      hook: "PREROUTING",
      rules: isNest ? [...notInbound(config), markNestedReplies] : [],
    },
    markReplies,
  ];
}

/** As {@link aroundMarks4}, without a table `nat`, which IPv6 has no other need of. */
function aroundMarks6(config: ClientNetConfig): Chain[] {
  return [
    {
      table: "mangle",
      name: "PGW-PREROUTING",
      hook: "PREROUTING",
      rules: [
        // Is marked already.
        `-m connmark --mark ${mark} -m conntrack --ctdir ORIGINAL -j RETURN`,
        ...notInbound(config),
        markNestedReplies,
        ...markInbound,
      ],
    },
    markReplies,
  ];
}

const notInbound = ({ device }: ClientNetConfig) => [`-i ${device} -j RETURN`, "-i lo -j RETURN"];

/**
 * A TCP segment that is no SYN does not count as new, else the far end of a connection from before the Pod was closed
 * could open a way out for it; by UDP, for the same reason, what comes for a port that the kernel gave to a socket does
 * not; nor does what only passes through the Pod, else a nested container could mark its way out itself.
 */
const markInbound = [
  `-p tcp --syn -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j CONNMARK --set-mark ${mark}`,
  `-p udp -m udp --dport ${firstEphemeralPort}:65535 -j RETURN`,
  `! -p tcp -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j CONNMARK --set-mark ${mark}`,
];

/** What a nested container answers is routed when it comes in here; the Pod's own answers are marked in OUTPUT. */
const markNestedReplies = `-m connmark --mark ${mark} -m conntrack --ctdir REPLY -j MARK --set-mark ${mark}`;

const markReplies: Chain = {
  table: "mangle",
  name: "PGW-OUTPUT",
  hook: "OUTPUT",
  rules: [`-m connmark --mark ${mark} -j MARK --set-mark ${mark}`],
};

function filterOutput4(config: ClientNetConfig, view: ClientPhase): Chain {
  const { device } = config;
  const rules = [
    ...(isOpen(view) ? openOutput4(config, view) : []),
    "-o lo -m addrtype --dst-type LOCAL -j RETURN",
    `! -o ${device} -m connmark --mark ${mark} -j RETURN`,
    `! -o ${device} -p udp -m mark --mark ${mark} -m udp --dport ${dnsPort} -j RETURN`,
  ];
  if ("candidates" in view) {
    for (const { address, port } of view.candidates) {
      if (!isLocal(config, address)) {
        rules.push(`! -o ${device} -d ${formatIpv4(address)}/32 -p tcp -m tcp --dport ${port} -j RETURN`);
      }
    }
  }
  if (!isOpen(view) && "tunnel" in view) {
    const { port, gateway, remote } = view.tunnel;
    rules.push(
      `! -o ${device} -d ${formatIpv4(remote)}/32 -p udp -m udp --dport ${port} -j RETURN`,
      ...gatewayPorts.map((to) => `-o ${device} -d ${formatIpv4(gateway)}/32 -p udp -m udp --dport ${to} -j RETURN`),
    );
  }
  rules.push(...(config.foreignDns !== "pass" ? refuseDns(config, 4) : []));
  for (const prefix of config.localCidrs) {
    if (prefix.family === 4) rules.push(`! -o ${device} -d ${formatPrefix(prefix)} -j RETURN`);
  }
  rules.push(rejection[4]);
  return { table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules };
}

/** The tunnel and what is in it. By the tunnel's device anything may leave, and so may what is for its other end. */
function openOutput4(config: ClientNetConfig, view: OpenPhase): string[] {
  const { port, gateway } = view.tunnel;
  return [
    ...tunnelEnds(view).map((end) => `-d ${formatIpv4(end)}/32 -p udp -m udp --dport ${port} -j RETURN`),
    ...refuseForeignDns(config, gateway),
    `-o ${config.device} -j RETURN`,
  ];
}

/** The gateways that frames are exchanged with: the chosen one last. */
function tunnelEnds(view: Extract<ClientPhase, { readonly tunnel: Tunnel }>): Ipv4[] {
  const next = view.phase === "moving" ? view.next : undefined;
  const { remote } = view.tunnel;
  return next === undefined || next === remote ? [remote] : [next, remote];
}

/** What a client asks of its gateway before the tunnel is open: a lease, and the probe (a DNS question to the seed's). */
const gatewayPorts = [dhcpServerPort, dnsPort, probePort];

/** With `reject`, the tunnel carries questions to the gateway's own DNS and to no other. */
function refuseForeignDns({ device, foreignDns }: ClientNetConfig, gateway: Ipv4): string[] {
  if (foreignDns !== "reject") return [];
  return ["udp", "tcp"].map((protocol) =>
    `! -d ${formatIpv4(gateway)}/32 -o ${device} -p ${protocol} -m ${protocol} --dport ${dnsPort} ` + rejection[4]
  );
}

/** An application's questions never reach a nameserver around the tunnel, not even one in PGW_LOCAL_CIDRS. */
function refuseDns(config: ClientNetConfig, family: 4 | 6): string[] {
  return ["udp", "tcp"].map((protocol) =>
    `! -o ${config.device} -p ${protocol} -m ${protocol} --dport ${dnsPort} ${rejection[family]}`
  );
}

function filterInput4(config: ClientNetConfig, view: ClientPhase): Chain {
  const rules: string[] = [];
  if ("tunnel" in view) {
    const { port, gateway } = view.tunnel;
    for (const end of tunnelEnds(view).slice(0, -1)) {
      rules.push(`-s ${formatIpv4(end)}/32 -p udp -m udp --dport ${port} -j RETURN`);
    }
    rules.push(`! -s ${formatIpv4(view.tunnel.remote)}/32 -p udp -m udp --dport ${port} -j DROP`);
    if (!isOpen(view)) {
      rules.push(
        // Of any server: our client tells of those that are not the gateway, and takes nothing of them.
        `-i ${config.device} -p udp -m udp --sport ${dhcpServerPort} --dport ${dhcpClientPort} -j RETURN`,
        ...[dnsPort, probePort].map((from) =>
          `-i ${config.device} -s ${formatIpv4(gateway)}/32 -p udp -m udp --sport ${from} -j RETURN`
        ),
        `-i ${config.device} -j DROP`,
      );
    }
  } else {
    rules.push(`-i ${config.device} -j DROP`);
  }
  return { table: "filter", name: "PGW-INPUT", hook: "INPUT", rules };
}

/** What the Pod forwards for others (nested containers) has no other ways than its own packets. */
function filterForward4(config: ClientNetConfig, view: ClientPhase): Chain {
  const { device } = config;
  const rules = [`! -o ${device} -m connmark --mark ${mark} -j RETURN`];
  if (isOpen(view)) {
    rules.push(
      ...refuseForeignDns(config, view.tunnel.gateway),
      `-o ${device} -j RETURN`,
      `-i ${device} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`,
    );
  }
  rules.push(...(config.foreignDns !== "pass" ? refuseDns(config, 4) : []));
  for (const prefix of config.localCidrs) {
    if (prefix.family === 4) rules.push(`! -o ${device} -d ${formatPrefix(prefix)} -j RETURN`);
  }
  rules.push(rejection[4]);
  return { table: "filter", name: "PGW-FORWARD", hook: "FORWARD", rules };
}

function natChains(config: ClientNetConfig, view: ClientPhase): Chain[] {
  const { device } = config;
  const open = isOpen(view) ? view : undefined;
  const server = open !== undefined && config.foreignDns === "redirect" ? open.tunnel.gateway : undefined;
  return [
    {
      table: "nat",
      name: "PGW-PREROUTING",
      hook: "PREROUTING",
      rules: dhcpAnswers(config, view),
    },
    {
      table: "nat",
      // A chain of its own, so that opening only adds to this table.
      name: "PGW-NESTED-DNS",
      hook: "PREROUTING",
      // Of nested containers. What is for a nameserver in this Pod is not theirs.
      rules: server === undefined ? [] : redirectDns(server, `! -i ${device} `, "-m addrtype ! --dst-type LOCAL "),
    },
    {
      table: "nat",
      name: "PGW-OUTPUT",
      hook: "OUTPUT",
      rules: server === undefined
        ? []
        : ["-o lo -j RETURN", `-m mark --mark ${mark} -j RETURN`, ...redirectDns(server)],
    },
    {
      table: "nat",
      name: "PGW-POSTROUTING",
      hook: "POSTROUTING",
      // What was sent from another address of the Pod's, such as by a socket that is bound to it, must have the leased one
      // or no answer finds back.
      rules: open === undefined ? [] : [`-o ${device} ! -s ${formatIpv4(open.lease.address)}/32 -j MASQUERADE`],
    },
  ];
}

function redirectDns(server: Ipv4, first = "", last = ""): string[] {
  return ["udp", "tcp"].map((protocol) =>
    `${first}-p ${protocol} -m ${protocol} --dport ${dnsPort} ${last}-j DNAT --to-destination ${
      formatIpv4(server)
    }:${dnsPort}`
  );
}

/**
 * A server's answer is addressed to an address that the client has not got yet, so that no UDP socket would hear it:
 * it is led to an address that the Pod has.
 */
function dhcpAnswers({ device }: ClientNetConfig, view: ClientPhase): string[] {
  if (!("tunnel" in view)) return [];
  const listener = `${formatIpv4(view.uplink.address)}:${dhcpClientPort}`;
  return [`-i ${device} -p udp -m udp --dport ${dhcpReplyPort} -j DNAT --to-destination ${listener}`];
}

function filterOutput6(config: ClientNetConfig): Chain {
  const rules = [
    "-o lo -j RETURN",
    `-m connmark --mark ${mark} -j RETURN`,
    `-p udp -m mark --mark ${mark} -m udp --dport ${dnsPort} -j RETURN`,
    ...neighborDiscovery,
    ...(config.foreignDns !== "pass" ? refuseDns(config, 6) : []),
    ...localCidrs6(config),
    rejection[6],
  ];
  return { table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules };
}

/**
 * The overlay carries IPv4 alone. A router's advertisement would give the Pod another way out, which is refused by routing
 * when it is there already: where no IPv6 is to leave, it is not even heard. Where PGW_LOCAL_CIDRS has IPv6 networks, the
 * Pod's own address may live on such advertisements.
 */
function filterInput6(config: ClientNetConfig): Chain {
  const advertisements = localCidrs6(config).length > 0 ? [] : [`-p ipv6-icmp -m icmp6 --icmpv6-type 134 -j DROP`];
  return {
    table: "filter",
    name: "PGW-INPUT",
    hook: "INPUT",
    rules: [`-i ${config.device} -j DROP`, ...advertisements],
  };
}

function filterForward6(config: ClientNetConfig): Chain {
  const rules = [
    `-m connmark --mark ${mark} -j RETURN`,
    ...(config.foreignDns !== "pass" ? refuseDns(config, 6) : []),
    ...localCidrs6(config),
    rejection[6],
  ];
  return { table: "filter", name: "PGW-FORWARD", hook: "FORWARD", rules };
}

function localCidrs6(config: ClientNetConfig): string[] {
  return config.localCidrs.flatMap((prefix) => prefix.family === 6 ? [`-d ${formatPrefix(prefix)} -j RETURN`] : []);
}
