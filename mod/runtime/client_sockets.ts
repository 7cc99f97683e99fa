/** The client's sockets on the tunnel: DHCP and the probe. */

import { broadcast, formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { encodeDhcpBroadcast } from "../dhcp/client_frame.ts";
import { AddressWatch, type Claim } from "../linux/address_watch.ts";
import { tryConnection } from "../linux/connection.ts";
import { SocketError } from "../linux/socket_error.ts";
import type { FilterInstruction } from "../linux/socket_filter.ts";
import { type Datagram, UdpSocket } from "../linux/udp_socket.ts";
import { versionQuestion } from "../health/dns_question.ts";
import { decodeProbeAnswer, encodeProbeQuestion, type GatewayCondition } from "../health/probe.ts";
import type { Fault } from "../health/watch.ts";
import type { Tunnel } from "../netstate/client.ts";
import { dhcpClientPort, dhcpServerPort, dnsPort, probePort } from "../netstate/names.ts";
import { encodeArpProbe } from "../wire/arp.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp } from "../wire/dhcpv4.ts";
import { encodeVxlan } from "../wire/vxlan.ts";
import { logger } from "./log.ts";

export type Received = {
  /** `from`: the address that it came from. */
  dhcp(message: DhcpMessage, from: Ipv4): void;
  /** Another host uses the address that is watched. */
  conflict(claim: Claim): void;
  /** `condition` is absent in an answer to a DNS question. */
  probeAnswer(nonce: string, condition?: GatewayCondition): void;
  /** What comes back by ICMP about a probe. */
  undelivered(fault: Fault | "noProgram"): void;
  /** The gateway's kernel has taken a connection, while a probe has no answer. */
  reached(): void;
};

const log = logger("tunnel");
/**
 * A VXLAN header (RFC 7348 section 5) of the network 0, which no gateway has: it is dropped where a tunnel ends, and comes
 * back by ICMP where none does, or where there is no way to it.
 */
const knock = Uint8Array.of(0x08, 0, 0, 0, 0, 0, 0, 0);
/** Nothing is received. */
const deaf: readonly FilterInstruction[] = [[0x06, 0, 0, 0]];
/** So long an answer to a question for a TCP connection is waited for: a gateway's patience with one probe. */
const connectionMs = 200;
/** Nobody can keep a client busy with answers: so many are taken at once. */
const mostPolled = 16;
/** What the errors of a socket mean; all others, of which ICMP has many, mean nothing: silence will tell. */
type Faults = Readonly<Record<string, Fault | "noProgram">>;
const outsideFaults: Faults = {
  ECONNREFUSED: "noTunnel",
  EHOSTUNREACH: "noWay",
  ENETUNREACH: "noWay",
  ENETDOWN: "noWay",
};
const probeFaults: Faults = { ECONNREFUSED: "noProgram" };

/**
 * Sockets bound to one device, and those to the gateway's end of it. They end with it: a device made anew needs new ones.
 *
 * What is for all in the tunnel is said in frames of our own making, which go out by the Pod's own address as those of the
 * device do. To give them to the device takes NET_RAW. And the kernel, which would make them with NET_ADMIN alone, has
 * what the Pod says before it has an address in the tunnel come from an address that it has elsewhere: whoever filters by
 * reverse path does not hear that.
 */
export class ClientSockets implements Disposable {
  readonly #dhcp: UdpSocket;
  readonly #probe: UdpSocket;
  readonly #outside: UdpSocket;
  readonly #frames: UdpSocket;
  readonly #claims: AddressWatch;
  /** DNS questions under way, by their id; as many as a watch may have unanswered. */
  readonly #questions = new Map<number, string>();
  /** The last probe has no answer yet. */
  #isWaiting = false;
  readonly #closed = new AbortController();

  /** @param local the Pod's own address */
  constructor(readonly device: string, local: Ipv4, readonly tunnel: Tunnel, readonly received: Received) {
    using opened = new DisposableStack();
    this.#dhcp = opened.use(UdpSocket.open({ device, port: dhcpClientPort, reuseAddress: true }));
    this.#probe = opened.use(UdpSocket.open({ device, errors: true }));
    this.#outside = opened.use(UdpSocket.open({ errors: true }));
    this.#frames = opened.use(UdpSocket.open({ address: local, filter: deaf }));
    // A gateway of ours answers ARP in the name of its clients where these may reach each other.
    this.#claims = AddressWatch.open(device, [
      tunnel.mac,
      ...(tunnel.gatewayMac === undefined ? [] : [tunnel.gatewayMac]),
    ]);
    opened.move();
    this.#tellClaims();
    this.#receive(this.#dhcp, ({ bytes, address }) => received.dhcp(decodeDhcp(bytes), address));
    this.#receive(this.#outside, () => {}, outsideFaults);
    this.#receive(this.#probe, (datagram) => this.#takeProbe(datagram), probeFaults);
  }

  /** @param vtep the gateway that hears what is for all */
  sendDhcp(message: DhcpMessage, destination: Ipv4, vtep: Ipv4): void {
    if (destination === broadcast) this.#sendFrame(encodeDhcpBroadcast(message), vtep);
    else this.#send(this.#dhcp, encodeDhcp(message), destination, dhcpServerPort);
  }

  sendProbe(nonce: string, form: "probe" | "dns"): void {
    const { gateway } = this.tunnel;
    if (form === "probe") this.#send(this.#probe, encodeProbeQuestion(nonce), gateway, probePort, probeFaults);
    else this.#send(this.#probe, this.#dnsQuestion(nonce), gateway, dnsPort, probeFaults);
    this.#send(this.#outside, knock, this.tunnel.remote, this.tunnel.port, outsideFaults);
    if (this.#isWaiting) this.#tryConnection();
    this.#isWaiting = true;
  }

  /** Takes the answers to probes that have arrived and were not taken yet. */
  poll(): void {
    for (let left = mostPolled; left > 0; left--) {
      try {
        const datagram = this.#probe.receiveNow();
        if (datagram === undefined) return;
        this.#takeProbe(datagram);
      } catch (error) {
        this.#report(error, probeFaults);
      }
    }
  }

  /** Nobody waits for an answer: it is told like any claim. */
  watchAddress(address: Ipv4): void {
    try {
      this.#claims.watch(address);
      this.#sendFrame(encodeArpProbe(this.tunnel.mac, address), this.tunnel.remote);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      log.debug("nobody is asked for {address}: {error}", { address: formatIpv4(address), error });
    }
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#claims.close();
    this.#dhcp.close();
    this.#probe.close();
    this.#outside.close();
    this.#frames.close();
  }

  async #tellClaims(): Promise<void> {
    for (let claim = await this.#claims.next(); claim !== undefined; claim = await this.#claims.next()) {
      this.received.conflict(claim);
    }
  }

  async #receive(socket: UdpSocket, take: (datagram: Datagram) => void, faults: Faults = {}): Promise<void> {
    for (;;) {
      try {
        const datagram = await socket.receive();
        if (datagram === undefined) return;
        take(datagram);
      } catch (error) {
        this.#report(error, faults);
      }
    }
  }

  #takeProbe({ bytes, address, port }: Datagram): void {
    if (address !== this.tunnel.gateway) return;
    this.#isWaiting = false;
    if (port === dnsPort) this.#dnsAnswer(bytes);
    else if (port === probePort) {
      const { nonce, condition } = decodeProbeAnswer(bytes);
      this.received.probeAnswer(nonce, condition);
    }
  }

  /**
   * Where no program is, its kernel says so of the probe by ICMP, but seldom: an application that asks for many names uses
   * up what Linux grants a destination (net.ipv4.icmp_ratelimit). A connection to the port of DNS is refused each time; and
   * where the program is there, but held up, its kernel takes it.
   */
  async #tryConnection(): Promise<void> {
    const to = { address: this.tunnel.gateway, port: dnsPort };
    try {
      const outcome = await tryConnection(to, this.device, connectionMs, this.#closed.signal);
      if (!this.#isWaiting || this.#closed.signal.aborted) return;
      if (outcome === "refused") this.received.undelivered("noProgram");
      if (outcome === "accepted") this.received.reached();
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      log.debug("no connection to the gateway is tried: {error}", { error });
    }
  }

  #report(error: unknown, faults: Faults): void {
    if (error instanceof SocketError && this.#blame(error, faults)) return;
    if (!(error instanceof SocketError || error instanceof WireError)) throw error;
    log.debug("nothing can be made of what came: {error}", { error });
  }

  /** Whether it means something. */
  #blame(error: SocketError, faults: Faults): boolean {
    const fault = faults[error.code];
    if (fault !== undefined) this.received.undelivered(fault);
    return fault !== undefined;
  }

  #sendFrame(frame: Uint8Array, vtep: Ipv4): void {
    this.#send(this.#frames, encodeVxlan({ vni: this.tunnel.id, frame }), vtep, this.tunnel.port);
  }

  /** What cannot be sent now is sent again by whoever waits for the answer. */
  #send(
    socket: UdpSocket,
    bytes: Uint8Array<ArrayBuffer>,
    address: Ipv4,
    port: number,
    faults: Faults = {},
  ): void {
    try {
      socket.send(bytes, { address, port });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      log.debug("not sent to {destination}: {error}", { destination: formatIpv4(address), error });
      this.#blame(error, faults);
    }
  }

  #dnsQuestion(nonce: string): Uint8Array<ArrayBuffer> {
    const id = Number.parseInt(nonce.slice(0, 4), 16);
    this.#questions.set(id, nonce);
    if (this.#questions.size > 64) this.#questions.delete(this.#questions.keys().next().value!);
    return versionQuestion(id).finish();
  }

  #dnsAnswer(bytes: Uint8Array): void {
    if (bytes.length < 12 || (bytes[2]! & 0x80) === 0) throw new WireError("not an answer to a DNS question");
    const id = (bytes[0]! << 8) | bytes[1]!;
    const nonce = this.#questions.get(id);
    if (nonce === undefined) return;
    this.#questions.delete(id);
    this.received.probeAnswer(nonce);
  }
}
