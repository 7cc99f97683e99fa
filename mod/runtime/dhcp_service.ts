/** The DHCP server on the overlay's device: sockets and the lease file around `dhcp/server`. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import type { GatewaySettings } from "../config/settings.ts";
import { DhcpServer, type DhcpServerConfig, foreignHardware, type Outcome, type ServerEvent } from "../dhcp/server.ts";
import { noReservations } from "../dhcp/reservations.ts";
import type { LeaseRecord } from "../dhcp/lease_record.ts";
import { encodeRecords } from "../dhcp/lease_store.ts";
import type { Reply } from "../dhcp/server_replies.ts";
import { rehearseAnswers } from "../dhcp/server_rehearsal.ts";
import { leaseTimes } from "../dhcp/server_options.ts";
import type { DatagramBatch } from "../linux/datagram_batch.ts";
import { dhcpSenderFilter } from "../linux/dhcp_sender_filter.ts";
import { PacketSocket } from "../linux/packet_socket.ts";
import { SocketError } from "../linux/socket_error.ts";
import { UdpSocket } from "../linux/udp_socket.ts";
import type { GatewayNetConfig } from "../netstate/gateway.ts";
import { dhcpReplyPort, dhcpServerPort } from "../netstate/names.ts";
import { WireError, Writer } from "../wire/bytes.ts";
import { decodeDhcp, encodeDhcp } from "../wire/dhcpv4.ts";
import { encodeUdpPacket } from "../wire/udp.ts";
import { ClientPlaces } from "./client_places.ts";
import { DhcpLog } from "./dhcp_log.ts";
import { LeaseFile } from "./lease_file.ts";
import { inTurns } from "./in_turns.ts";
import { logger } from "./log.ts";
import { OverlayWatch } from "./overlay_watch.ts";
import { ReservationFile } from "./reservation_file.ts";

const log = logger("dhcp");
const ethernetLength = 6;
/** A burst of clients must not be lost while the process does something else. */
const receiveBuffer = 4 << 20;
/** Messages that are read, written down and answered together. */
const batch = 64;
/** So long after a message, or a rehearsal, the next one needs none. */
const rehearsedMs = 1_000;

export type DhcpServiceOptions = DhcpServerConfig & {
  readonly device: string;
  readonly stateDirectory: string;
  /** Whether a lease is on the disk before its client is told. */
  readonly sync: boolean;
  /** The path of a file of reservations. */
  readonly reservationFile?: string;
  /** Told of each lease that is given, renewed or ended, and at the start of those from before. */
  readonly leased: (record: LeaseRecord) => void;
};

/** What `settings` say, and by default the gateway itself for all that clients need. `mtu`: what the tunnel carries. */
export function dhcpServiceOptions(
  settings: GatewaySettings,
  net: GatewayNetConfig,
  mtu: number,
): Omit<DhcpServiceOptions, "leased"> {
  const { dhcpMtu = mtu, dhcpDomain, dhcpReservations, dhcpRenewalSeconds, dhcpRebindingSeconds } = settings;
  if (dhcpMtu > mtu) {
    log.warn("clients are told the MTU {mtu}: the {dhcpMtu} of PGW_DHCP_MTU do not fit into the tunnel", {
      mtu,
      dhcpMtu,
    });
  }
  const { device, address, network } = net;
  return {
    device,
    address,
    network,
    mtu: Math.min(dhcpMtu, mtu),
    range: settings.dhcpPool,
    ...leaseTimes({
      leaseSeconds: settings.dhcpLeaseSeconds,
      renewalSeconds: dhcpRenewalSeconds,
      rebindingSeconds: dhcpRebindingSeconds,
    }),
    router: settings.dhcpRouter ?? address,
    dnsServers: settings.dhcpDns ?? [address],
    searchDomains: settings.dhcpSearch ?? [],
    ntpServers: settings.dhcpNtp ?? [],
    options: settings.dhcpOptions ?? new Map(),
    stateDirectory: settings.stateDir,
    sync: settings.stateSync === "always",
    ...(dhcpDomain === undefined ? {} : { domainName: dhcpDomain }),
    ...(dhcpReservations === undefined ? {} : { reservationFile: dhcpReservations }),
  };
}

export class DhcpService {
  readonly server: DhcpServer;
  /** Counts by what happened, for the metrics. */
  readonly counts = new Map<string, number>();
  /** Told of an address that its client gave back. */
  left: (address: Ipv4) => void = () => {};
  readonly #address: Ipv4;
  readonly #device: string;
  readonly #leased: DhcpServiceOptions["leased"];
  readonly #file: LeaseFile;
  readonly #reservations: ReservationFile | undefined;
  readonly #socket: UdpSocket;
  readonly #log = new DhcpLog();
  /** Memory for an answer and for its packet: what is made anew with each must be collected. */
  readonly #message = new Writer(Infinity);
  readonly #packet = new Writer();
  #packets: PacketSocket;
  #places: ClientPlaces;
  #watch: OverlayWatch | undefined;
  #rehearsal: ReturnType<typeof setTimeout> | undefined;
  #busyAt = -Infinity;
  #closed = false;

  constructor(readonly options: DhcpServiceOptions) {
    this.#file = LeaseFile.open(options.stateDirectory, {
      sync: options.sync,
      report: (problem) => log.warn("leases: {problem}", { problem }),
    });
    const { device, address, network, router = address, reservationFile } = options;
    this.#reservations = reservationFile === undefined ? undefined : new ReservationFile({
      path: reservationFile,
      network,
      own: [address, router],
      changed: (reservations) => this.server.reserve(reservations),
    });
    this.#address = address;
    this.#device = device;
    this.#leased = options.leased;
    const reservations = this.#reservations?.first ?? noReservations;
    const restored = this.#file.takeRestored();
    const [rateSeed = 0] = crypto.getRandomValues(new Int32Array(1));
    const server = this.server = new DhcpServer({ ...options, reservations, rateSeed }, restored, Date.now());
    this.#file.compactFrom({
      records: () => server.records(),
      get recordCount() {
        return server.recordCount;
      },
      restore: (written, now) => {
        server.restore(written, now);
        this.#followAll();
      },
    });
    this.#places = new ClientPlaces(device);
    this.#packets = PacketSocket.open(device, { batch });
    this.#socket = UdpSocket.open({
      device,
      port: dhcpServerPort,
      broadcast: true,
      reuseAddress: true,
      receiveBuffer,
      batch,
      filter: dhcpSenderFilter,
    });
    this.#start(restored.length === 0);
  }

  /** A client is about to ask: to be called when there is a moment for it. */
  prepare(): void {
    if (this.#closed || performance.now() - this.#busyAt < rehearsedMs) return;
    this.#busyAt = performance.now();
    // Whoever calls this ends its own work first.
    this.#rehearsal = setTimeout(() => {
      for (const { records, reply } of rehearseAnswers(this.options, Date.now())) {
        encodeRecords(records);
        if (reply !== undefined) this.#encodePacket(reply);
      }
    }, 0);
  }

  /** The device was made anew under its name, and knows nobody. @throws {SocketError} it is gone again */
  followDevice(): void {
    this.#socket.bindTo(this.#device);
    this.#packets.close();
    this.#packets = PacketSocket.open(this.#device, { batch });
    this.#places[Symbol.dispose]();
    this.#places = new ClientPlaces(this.#device);
    this.#followAll();
    this.#watch?.[Symbol.dispose]();
    this.#watchOverlay();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#rehearsal);
    this.#reservations?.[Symbol.dispose]();
    this.#watch?.[Symbol.dispose]();
    this.#socket.close();
    this.#packets.close();
    this.#places[Symbol.dispose]();
    await this.#file.close();
  }

  /** Without leases from before, what is asked waits in the socket until it is known who is there. */
  async #start(isEmpty: boolean): Promise<void> {
    const watching = this.#watchOverlay();
    if (isEmpty) await watching;
    this.#followAll();
    if (!this.#closed) this.#socket.serve((received) => this.#serve(received));
  }

  /** Leases from before, or all on a new device: 65,000 take half a second, for which nobody who asks should wait. */
  async #followAll(): Promise<void> {
    const places = this.#places;
    await inTurns(this.server.records(), batch, (records) => {
      if (this.#closed || places !== this.#places) return false;
      this.#follow(records, Date.now());
      return true;
    });
  }

  async #watchOverlay(): Promise<void> {
    const failed = (error: unknown) => log.warn("who uses the overlay's addresses cannot be seen: {error}", { error });
    const places = this.#places;
    try {
      const watch = await OverlayWatch.start({
        device: this.#device,
        seen: (address, mac) => this.#observed(this.server.observe(address, mac, Date.now())),
        wanted: () => this.server.nextHolders(Date.now()),
        looked: (isSeen) => this.#observed(...this.server.look(isSeen, Date.now())),
        failed,
      });
      // The device may be another by now, which is watched already.
      if (this.#closed || places !== this.#places) watch[Symbol.dispose]();
      else this.#watch = watch;
    } catch (error) {
      failed(error);
    }
  }

  #serve(received: DatagramBatch): void | Promise<void> {
    this.#file.recover();
    const outcomes: Outcome[] = [];
    const records: LeaseRecord[] = [];
    const now = Date.now();
    for (let index = 0; index < received.count; index++) {
      const outcome = this.#handle(received, index, now);
      if (outcome === undefined) continue;
      outcomes.push(outcome);
      records.push(...outcome.records);
    }
    // A lease that a client was told of must be known after any restart: it is written down first (RFC 2131 section 4.3.1).
    return this.#file.commit(records)?.then(() => this.#answer(outcomes, records, now)) ??
      this.#answer(outcomes, records, now);
  }

  #answer(outcomes: readonly Outcome[], records: readonly LeaseRecord[], now: number): void {
    // Lists are gone through by index here: an iterator and its results would be collected, thousands of times a second.
    for (let index = 0; index < outcomes.length; index++) this.#add(outcomes[index]!.reply);
    this.#attempt("some answers could not be sent", () => this.#packets.flush());
    this.#attempt("some answers to relays could not be sent", () => this.#socket.flush());
    // While the answers are on their way. Until a client has put its address to use, nothing is sent to it there.
    if (records.length > 0) this.#follow(records, now);
    for (let index = 0; index < outcomes.length; index++) this.#tell(outcomes[index]!.event, now);
    this.#busyAt = performance.now();
  }

  /** Addresses that others use were set aside. */
  #observed(...changes: readonly (LeaseRecord | undefined)[]): void {
    const records = changes.filter((record) => record !== undefined);
    for (const { address, chaddr } of records) {
      log.info("{address} is not given to clients: {mac} uses it", {
        address: formatIpv4(address),
        mac: formatMac(chaddr),
      });
    }
    this.#file.commit(records);
    for (const record of records) this.#leased(record);
  }

  #handle(received: DatagramBatch, index: number, now: number): Outcome | undefined {
    const length = received.length(index);
    try {
      // The socket's filter has left nothing of what is said in another's name.
      return length === 0 ? foreignHardware : this.server.handle(decodeDhcp(received.buffer(index), length), now);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#count("malformed");
      return undefined;
    }
  }

  #tell(event: ServerEvent, now: number): void {
    this.#count(event.kind === "dropped" ? event.reason : event.kind);
    this.#log.tell(event, this.server, now);
    if (event.kind === "released") this.left(event.address);
  }

  #follow(records: readonly LeaseRecord[], now: number): void {
    for (let index = 0; index < records.length; index++) {
      this.#leased(records[index]!);
      this.#place(records[index]!, now);
    }
    this.#attempt("some clients cannot be reached", () => this.#places.flush());
  }

  #place({ state, address, chaddr, until }: LeaseRecord, now: number): void {
    if (state !== "bound" || until <= now || chaddr.length !== ethernetLength) return;
    this.#attempt("some clients cannot be reached", () => this.#places.set(address, chaddr));
  }

  #add(reply: Reply | undefined): void {
    if (reply === undefined) return;
    const { destination } = reply;
    if (destination.kind === "relay") {
      const { address } = destination;
      this.#socket.add(encodeDhcp(reply.message, reply.limits, this.#message), { address, port: dhcpServerPort });
    } else {
      this.#packets.add(destination.mac, this.#encodePacket(reply));
    }
  }

  /** An answer that goes in a frame. */
  #encodePacket({ message, limits, destination }: Reply): Uint8Array<ArrayBuffer> {
    const datagram = {
      source: this.#address,
      sourcePort: dhcpServerPort,
      destination: destination.address,
      destinationPort: dhcpReplyPort,
      payload: encodeDhcp(message, limits, this.#message),
    };
    return encodeUdpPacket(datagram, undefined, this.#packet);
  }

  /** What the kernel refuses is as if it was lost on the way: the client asks again. */
  #attempt(problem: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      this.#log.failed(problem, error);
    }
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
