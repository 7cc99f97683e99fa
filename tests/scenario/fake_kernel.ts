/**
 * A Pod's kernel that remembers: links, addresses, routes, rules and both firewalls, changed by the very steps that
 * `netstate/diff` asks for, one after the other, so that a test can look between any two of them.
 */

import { formatIpv4, type Ipv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { formatMac } from "../../mod/addr/mac.ts";
import { formatPrefix, parsePrefix } from "../../mod/addr/prefix.ts";
import { findUplink } from "../../mod/linux/uplink.ts";
import { type Change, diff, type Observed, type ObservedAddress, type ObservedRoute } from "../../mod/netstate/diff.ts";
import type { Firewall, NetState, Route, VxlanLink } from "../../mod/netstate/state.ts";
import type { Uplink } from "../../mod/netstate/uplink.ts";
import { connectedRoutes, mainRoute, type Pod } from "../unit/netstate/packet_walk.ts";

type Kept = { -readonly [Key in keyof Observed]: Observed[Key][number][] };

const none: Firewall = { chains: [] };
/** rtnetlink(7): what the kernel itself made, and what somebody made by hand. */
const RTPROT_KERNEL = 2;
const RTPROT_STATIC = 4;
const ourProtocol = 80;

export class FakeKernel {
  readonly #kept: Kept;
  #index = 2;
  firewall: { v4: Firewall; v6: Firewall } = { v4: none, v6: none };
  /** Whether a firewall of ours has ever stood. */
  wasClosed = false;
  /** Counts the changes. */
  version = 0;

  /** A Pod's own: `eth0` with an address of each family and default routes. */
  constructor() {
    this.#kept = {
      links: [{ name: "eth0", index: 2, ours: false, up: true, mac: "02:00:00:00:00:05", mtu: 1450, ethernet: true }],
      addresses: [
        { device: "eth0", family: 4, address: "10.42.0.5", prefixLength: 24, scope: "global" },
        { device: "eth0", family: 6, address: "2001:db8:42::5", prefixLength: 64, scope: "global" },
      ],
      routes: [
        foreign(mainRoute(parsePrefix("10.42.0.0/24"), "eth0"), RTPROT_KERNEL),
        foreign(mainRoute(parsePrefix("0.0.0.0/0"), "eth0", "10.42.0.1"), RTPROT_STATIC),
        foreign(mainRoute(parsePrefix("::/0"), "eth0", "2001:db8:42::1"), RTPROT_STATIC),
      ],
      rules: [],
      neighbors: [],
    };
  }

  observed(): Observed {
    const { links, addresses, routes, rules, neighbors } = this.#kept;
    return {
      links: [...links],
      addresses: [...addresses],
      routes: [...routes],
      rules: [...rules],
      neighbors: [...neighbors],
    };
  }

  /** @throws {UplinkError} */
  uplink(): Uplink {
    return findUplink(this.observed());
  }

  /** What packets meet. */
  pod(): Pod {
    const ipv4 = this.#kept.addresses.filter(({ family }) => family === 4)
      .map(({ device, address, prefixLength }) => ({ device, address: parseIpv4(address), prefixLength }));
    return {
      routes: [...this.#kept.routes, ...connectedRoutes(ipv4)],
      rules: this.#kept.rules,
      addresses: ipv4,
      addresses6: this.#kept.addresses.filter(({ family }) => family === 6).map(({ address }) => address),
      firewall: this.firewall,
    };
  }

  /** The VTEP of the tunnel that stands. */
  tunnelRemote(): string | undefined {
    return this.#kept.links.find(({ ours, up }) => ours && up)?.vxlan?.remote;
  }

  /** Makes the kernel hold `state` as `linux/reconcile` does, a step at a time. */
  *reconcile(state: NetState, { firewallOnly, opens }: { firewallOnly: boolean; opens: boolean }): Generator<void> {
    if (!opens) yield* this.#setFirewall(state);
    if (!firewallOnly) {
      for (const lifetimes of ["exact", "about"] as const) {
        for (const change of diff(state, this.observed(), lifetimes)) {
          this.#change(change);
          yield;
        }
      }
    }
    if (opens) yield* this.#setFirewall(state);
  }

  *#setFirewall({ firewall }: NetState): Generator<void> {
    // iptables-restore takes a table at a time; ours come in the order in which they are written.
    for (const family of ["v4", "v6"] as const) {
      for (const table of ["mangle", "filter", "nat"] as const) {
        const chains = [
          ...this.firewall[family].chains.filter((chain) => chain.table !== table),
          ...firewall[family].chains.filter((chain) => chain.table === table),
        ];
        this.firewall = { ...this.firewall, [family]: { chains } };
        this.version++;
        yield;
      }
    }
    this.wasClosed = true;
  }

  /** Somebody empties all tables. */
  flush(): void {
    this.firewall = { v4: none, v6: none };
    this.version++;
  }

  /** Somebody adds routes by the Pod's own interface. */
  addRoutes(...destinations: readonly string[]): void {
    const routes = destinations.map((text) => mainRoute(parsePrefix(text), "eth0"));
    this.#kept.routes.push(...routes.map((route) => foreign(route, RTPROT_STATIC)));
    this.version++;
  }

  /** Somebody says that the way out is another. */
  addRouter(via: string): void {
    this.#kept.routes.push(foreign(mainRoute(parsePrefix("0.0.0.0/0"), "eth0", via), RTPROT_STATIC));
    this.version++;
  }

  /** Somebody has all packets routed by another table, which leads out by the Pod's own interface. */
  addRule(): void {
    const table = 77;
    this.addRoutes("0.0.0.0/0");
    this.#kept.routes.push({ ...this.#kept.routes.pop()!, table });
    this.#kept.rules.unshift({ family: 4, priority: table, mark: 0, table, ours: false });
  }

  /** Somebody takes away what they added. */
  removeForeign(): void {
    this.#kept.routes = this.#kept.routes.filter((route) => !isAnotherWay(route));
    this.#kept.rules = this.#kept.rules.filter(({ ours }) => ours);
    this.version++;
  }

  /** Whether there is a way out that is not ours: the Pod's own, or one that was added. */
  get hasAnotherWay(): boolean {
    return this.#kept.routes.some(isAnotherWay);
  }

  /** The Pod's interface gets another address, and loses the one that it had. */
  changeAddress(): void {
    this.#kept.addresses = this.#kept.addresses.map((there) =>
      there.device === "eth0" && there.family === 4
        ? { ...there, address: there.address === "10.42.0.5" ? "10.42.0.6" : "10.42.0.5" }
        : there
    );
    this.version++;
  }

  /** Somebody takes the tunnel's device away. */
  deleteTunnel(): void {
    const link = this.#kept.links.find(({ ours }) => ours);
    if (link !== undefined) this.#deleteLink(link.name);
  }

  /** The kernel removes a leased address when its time is over; whether it did. */
  expire(seconds: number): boolean {
    const gone = this.#kept.addresses.filter(({ validSeconds }) =>
      validSeconds !== undefined && validSeconds <= seconds
    );
    this.#kept.addresses = this.#kept.addresses.filter((address) => !gone.includes(address)).map((address) =>
      address.validSeconds === undefined ? address : { ...address, validSeconds: address.validSeconds - seconds }
    );
    for (const { device } of gone) this.#dropRoutesWithoutAddress(device);
    if (gone.length > 0) this.version++;
    return gone.length > 0;
  }

  #change(change: Change): void {
    const kept = this.#kept;
    this.version++;
    switch (change.kind) {
      case "delete link":
        return this.#deleteLink(change.name);
      case "add link":
        kept.links.push(this.#made(change.link));
        return;
      case "set link":
        kept.links = kept.links.map((link) =>
          link.name !== change.name ? link : {
            ...link,
            ours: true,
            up: true,
            mac: change.mac ?? link.mac,
            mtu: change.mtu ?? link.mtu,
            ...moved(link, change.remote),
          }
        );
        return;
      case "delete address":
        kept.addresses = kept.addresses.filter((there) => there !== change.address);
        return this.#dropRoutesWithoutAddress(change.address.device);
      case "set address": {
        const { device, address, prefixLength, validSeconds } = change.address;
        const set: ObservedAddress = {
          device,
          family: 4,
          address: formatIpv4(address),
          prefixLength,
          scope: "global",
          ...(validSeconds === undefined ? {} : { validSeconds }),
        };
        kept.addresses = [...kept.addresses.filter((there) => there.address !== set.address), set];
        return;
      }
      case "add route":
      case "replace route":
        if (change.kind === "replace route") {
          kept.routes = kept.routes.filter((route) => keyOf(route) !== keyOf(change.route));
        }
        kept.routes.push({
          ...change.route,
          ...metricOf(change.route),
          ours: true,
          protocol: ourProtocol,
          multipath: false,
        });
        return;
      case "delete route":
        kept.routes = kept.routes.filter((route) => route !== change.route);
        return;
      case "add rule":
        kept.rules.push({ ...change.rule, ours: true });
        return;
      case "delete rule":
        kept.rules = kept.rules.filter((rule) => rule !== change.rule);
        return;
      case "set neighbor":
        kept.neighbors = [
          ...kept.neighbors.filter(({ address }) => address !== change.neighbor.address),
          change.neighbor,
        ];
        return;
      case "delete neighbor":
        kept.neighbors = kept.neighbors.filter((neighbor) => neighbor !== change.neighbor);
    }
  }

  #made({ name, id, port, uplink, local, remote, mac, mtu }: VxlanLink): Observed["links"][number] {
    const vxlan = {
      id,
      port,
      uplink,
      local: formatIpv4(local),
      ...(remote === undefined ? {} : { remote: formatIpv4(remote) }),
    };
    const index = ++this.#index;
    return { name, index, ours: true, up: true, mac: formatMac(mac), mtu, ethernet: true, kind: "vxlan", vxlan };
  }

  #deleteLink(name: string): void {
    const kept = this.#kept;
    kept.links = kept.links.filter((link) => link.name !== name);
    kept.addresses = kept.addresses.filter(({ device }) => device !== name);
    kept.routes = kept.routes.filter(({ hop }) => hop.kind !== "device" || hop.device !== name);
    kept.neighbors = kept.neighbors.filter(({ device }) => device !== name);
    this.version++;
  }

  /** With the last IPv4 address of a device go its IPv4 routes. */
  #dropRoutesWithoutAddress(device: string): void {
    if (this.#kept.addresses.some((there) => there.device === device && there.family === 4)) return;
    this.#kept.routes = this.#kept.routes.filter(({ destination, hop }) =>
      destination.family !== 4 || hop.kind !== "device" || hop.device !== device
    );
  }
}

function moved({ vxlan }: Observed["links"][number], remote: Ipv4 | undefined) {
  return vxlan === undefined || remote === undefined ? {} : { vxlan: { ...vxlan, remote: formatIpv4(remote) } };
}

/** By the Pod's own interface to more than some network. */
function isAnotherWay({ ours, destination, hop }: ObservedRoute): boolean {
  return !ours && destination.length <= 4 && hop.kind === "device" && hop.device === "eth0";
}

function foreign(route: Route, protocol: number): ObservedRoute {
  return { ...route, ...metricOf(route), ours: false, protocol, multipath: false };
}

/** IPv6 has no metric 0. */
function metricOf({ destination, metric }: Route): { metric: number } {
  return { metric: destination.family === 6 && metric === 0 ? 1024 : metric };
}

function keyOf(route: Route): string {
  return `${formatPrefix(route.destination)} ${route.table} ${metricOf(route).metric}`;
}
