/** The way of a packet through a Pod: routing and our firewall, as the kernel would have it with a given state. */

import { formatIpv4 } from "../../../mod/addr/ipv4.ts";
import { formatPrefix, parsePrefix, type Prefix, prefix4 } from "../../../mod/addr/prefix.ts";
import type { Address, Firewall, NetState, PolicyRule, Route } from "../../../mod/netstate/state.ts";
import type { Uplink } from "../../../mod/netstate/uplink.ts";
import { evaluate, holds, type Outcome, type Packet } from "./firewall_evaluator.ts";

/** What a packet meets: what the kernel of a Pod holds, ours or not. */
export type Pod = {
  readonly routes: readonly Route[];
  readonly rules: readonly PolicyRule[];
  readonly addresses: readonly Pick<Address, "device" | "address" | "prefixLength">[];
  /** IPv6 addresses of the Pod. */
  readonly addresses6: readonly string[];
  readonly firewall: { readonly v4: Firewall; readonly v6: Firewall };
};

/** A packet as its sender thinks of it. */
export type Sent = Partial<Packet> & Pick<Packet, "family" | "destination" | "protocol"> & {
  /** Its socket is bound to no address, although it answers: so it is with most UDP servers. */
  readonly isUnbound?: boolean;
};

export type Fate =
  /** It goes out by `device`, to `packet.destination`. */
  | { readonly kind: "sent"; readonly device: string; readonly packet: Packet }
  /** A process of the Pod gets it. */
  | { readonly kind: "delivered"; readonly packet: Packet }
  | { readonly kind: "drop" | "reject" | "unroutable" };

/** The Pod whose kernel holds `state`, on an uplink that was there before. */
export function podWith(state: NetState, uplink: Uplink): Pod {
  const own = uplink.routes.filter(({ destination }) => destination.length > 0 || state.exclusive === undefined)
    .map(({ destination, via }) => mainRoute(destination, uplink.device, via === undefined ? via : formatIpv4(via)));
  const default6 = uplink.default6 === undefined || state.exclusive !== undefined
    ? []
    : [mainRoute(parsePrefix("::/0"), uplink.device, uplink.default6.via)];
  const onLink6 = ["fe80::/64", "ff00::/8"].map((text) => mainRoute(parsePrefix(text), uplink.device));
  return {
    routes: [...state.routes, ...own, ...default6, ...onLink6, ...connectedRoutes(state.addresses)],
    rules: state.rules,
    addresses: [{ device: uplink.device, address: uplink.address, prefixLength: 24 }, ...state.addresses],
    addresses6: uplink.addresses6,
    firewall: state.firewall,
  };
}

/** The routes that come with an address by themselves. */
export function connectedRoutes(addresses: Pod["addresses"]): Route[] {
  return addresses.map(({ device, address, prefixLength }) => mainRoute(prefix4(address, prefixLength), device));
}

export function mainRoute(destination: Prefix, device: string, via?: string): Route {
  const hop = { kind: "device", device, ...(via === undefined ? {} : { via }) } as const;
  return { destination, table: "main", metric: 0, hop };
}

/** A process of the Pod sends a packet; by the device `sent.out` alone if it names one (SO_BINDTODEVICE). */
export function send(pod: Pod, sent: Sent): Fate {
  const packet = whole(pod, sent);
  const firewall = pod.firewall[`v${packet.family}`];
  // An answer has a source from the beginning, and so does what a bound socket sends.
  const source = sent.source ?? (packet.connection === "NEW" ? undefined : packet.source);
  const first = sent.out ?? route(pod, packet, sent.isUnbound ? undefined : source);
  if (first === undefined) return { kind: "unroutable" };
  const mangled = evaluate(firewall, "mangle", "OUTPUT", { ...packet, out: first }).packet;
  const translated = packet.connection === "NEW" ? evaluate(firewall, "nat", "OUTPUT", mangled).packet : mangled;
  const device = sent.out ?? (sameWay(packet, translated) ? first : routeAgain(pod, translated));
  if (device === undefined) return { kind: "unroutable" };
  // All tables of one hook see the interface that was found before it, whatever mark or translation make of the route.
  const filtered = evaluate(firewall, "filter", "OUTPUT", translated);
  return settle(filtered, { kind: "sent", device, packet: { ...translated, out: device } });
}

/** The kernel looks for another route in OUTPUT only if the mark or the destination became another. */
function sameWay(before: Packet, after: Packet): boolean {
  return before.mark === after.mark && before.destination === after.destination;
}

/** In OUTPUT the kernel looks into a packet for its ports only if a rule for forwarded packets has any. */
function routeAgain(pod: Pod, { destinationPort: _, ...packet }: Packet): string | undefined {
  return route(pod, packet, packet.source);
}

/** A packet comes in by `sent.in`, for the Pod itself or to be forwarded. */
export function receive(pod: Pod, sent: Sent & { readonly in: string }): Fate {
  const packet = whole(pod, sent);
  const firewall = pod.firewall[`v${packet.family}`];
  const marked = evaluate(firewall, "mangle", "PREROUTING", packet).packet;
  const led = packet.connection === "NEW" ? evaluate(firewall, "nat", "PREROUTING", marked).packet : marked;
  const translated = led.translated ? { ...led, toThisHost: isOwn(pod, led.destination) } : led;
  if (translated.toThisHost || translated.destination === "255.255.255.255") {
    return settle(evaluate(firewall, "filter", "INPUT", translated), { kind: "delivered", packet: translated });
  }
  const device = route(pod, translated, translated.source);
  if (device === undefined) return { kind: "unroutable" };
  const outgoing = { ...translated, out: device };
  return settle(evaluate(firewall, "filter", "FORWARD", outgoing), { kind: "sent", device, packet: outgoing });
}

function settle({ verdict }: Outcome, otherwise: Fate): Fate {
  return verdict === "drop" || verdict === "reject" ? { kind: verdict } : otherwise;
}

function whole(pod: Pod, sent: Sent): Packet {
  return {
    source: sent.family === 4 ? formatIpv4(pod.addresses[0]!.address) : pod.addresses6[0] ?? "::1",
    connection: "NEW",
    mark: 0,
    connectionMark: 0,
    ...(sent.protocol === "tcp" ? { syn: (sent.connection ?? "NEW") === "NEW" } : {}),
    toThisHost: isOwn(pod, sent.destination),
    ...sent,
  };
}

function isOwn({ addresses, addresses6 }: Pod, destination: string): boolean {
  return holds(parsePrefix("127.0.0.0/8"), destination) || destination === "::1" || addresses6.includes(destination) ||
    addresses.some(({ address }) => formatIpv4(address) === destination);
}

/**
 * The device that leads to the packet's destination: the tables in the order of `ip rule`, then prefix, then metric.
 *
 * @param source what the kernel knows of the source address at that moment: none, when a socket looks for its first route
 */
function route(pod: Pod, packet: Packet, source?: string): string | undefined {
  const { family, destination, mark, toThisHost } = packet;
  if (toThisHost) return "lo";
  const port = packet.in === undefined ? packet.destinationPort : undefined;
  const main: PolicyRule = { family, priority: 32_766, table: "main" };
  const rules = [...pod.rules.filter((rule) => rule.family === family), main]
    .filter((rule) =>
      (rule.mark ?? mark) === mark && (rule.from === undefined || rule.from === source) &&
      (rule.ownToPort ?? port) === port
    )
    .toSorted((a, b) => a.priority - b.priority);
  for (const { table, exceptDefaults } of rules) {
    const [best] = pod.routes.filter((route) => route.table === table && holds(route.destination, destination))
      .toSorted((a, b) => b.destination.length - a.destination.length || a.metric - b.metric);
    // The kernel passes over a default route, but not over one that is `unreachable`.
    const isPassed = exceptDefaults === true && best?.hop.kind === "device" && best.destination.length === 0;
    if (best !== undefined && !isPassed) return best.hop.kind === "device" ? wayOf(best.hop) : undefined;
  }
  return undefined;
}

/** A router that nobody is sends nothing anywhere. */
function wayOf({ device, via }: { readonly device: string; readonly via?: string }): string {
  return via?.startsWith("fe80::7067") ? "nowhere" : device;
}

/** For messages of tests. */
export function showFate(fate: Fate): string {
  if (fate.kind === "sent") return `sent by ${fate.device} to ${fate.packet.destination}`;
  return fate.kind;
}

/** For messages of tests. */
export function showSent({ destination, protocol, destinationPort }: Sent): string {
  return `${protocol} to ${formatPrefix(parsePrefix(destination))}` +
    (destinationPort === undefined ? "" : ` port ${destinationPort}`);
}
