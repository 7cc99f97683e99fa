/** The DHCP server on the overlay's device: sockets and the lease file around `dhcp/server`. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import type { GatewaySettings } from "../config/settings.ts";
import { DhcpServer, type DhcpServerConfig, type Reply, type ServerEvent } from "../dhcp/server.ts";
import { noReservations } from "../dhcp/reservations.ts";
import type { LeaseRecord } from "../dhcp/lease_record.ts";
import { leaseTimes } from "../dhcp/server_options.ts";
import { setNeighbor } from "../linux/neighbor.ts";
import { PacketSocket } from "../linux/packet_socket.ts";
import { SocketError } from "../linux/socket_error.ts";
import { UdpSocket } from "../linux/udp_socket.ts";
import type { GatewayNetConfig } from "../netstate/gateway.ts";
import { dhcpServerPort } from "../netstate/names.ts";
import { WireError } from "../wire/bytes.ts";
import { decodeDhcp, encodeDhcp } from "../wire/dhcpv4.ts";
import { encodeUdpPacket } from "../wire/udp.ts";
import { LeaseFile } from "./lease_file.ts";
import { logger } from "./log.ts";
import { ReservationFile } from "./reservation_file.ts";

const log = logger("dhcp");
const clientPort = 68;
const ethernetLength = 6;
/** A burst of clients must not be lost while the process does something else. */
const receiveBuffer = 4 << 20;
const batch = 32;

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
  readonly #address: Ipv4;
  readonly #device: string;
  readonly #leased: DhcpServiceOptions["leased"];
  readonly #file: LeaseFile;
  readonly #reservations: ReservationFile | undefined;
  readonly #socket: UdpSocket;
  readonly #packets: PacketSocket;

  constructor(options: DhcpServiceOptions) {
    this.#file = LeaseFile.open(options.stateDirectory, {
      sync: options.sync,
      report: (problem) => log.warn("leases: {problem}", { problem }),
    });
    const { device, address, network, reservationFile } = options;
    this.#reservations = reservationFile === undefined ? undefined : new ReservationFile({
      path: reservationFile,
      network,
      server: address,
      changed: (reservations) => this.server.reserve(reservations),
    });
    this.#address = address;
    this.#device = device;
    this.#leased = options.leased;
    const reservations = this.#reservations?.first ?? noReservations;
    this.server = new DhcpServer({ ...options, reservations }, this.#file.restored, Date.now());
    this.#file.compactFrom(() => this.server.records());
    for (const record of this.server.records()) this.#follow(record);
    this.#packets = PacketSocket.open(device);
    this.#socket = UdpSocket.open({
      device,
      port: dhcpServerPort,
      broadcast: true,
      reuseAddress: true,
      receiveBuffer,
      batch,
    });
    this.#serve();
  }

  async close(): Promise<void> {
    this.#reservations?.[Symbol.dispose]();
    this.#socket.close();
    this.#packets.close();
    await this.#file.close();
  }

  async #serve(): Promise<void> {
    for (
      let received = await this.#socket.receiveBatch();
      received !== undefined;
      received = await this.#socket.receiveBatch()
    ) {
      const replies: Reply[] = [];
      const records: LeaseRecord[] = [];
      for (let index = 0; index < received.count; index++) {
        const outcome = this.#handle(received.bytes(index));
        if (outcome === undefined) continue;
        records.push(...outcome.records);
        if (outcome.reply !== undefined) replies.push(outcome.reply);
      }
      // A lease that a client was told of must be known after any restart: it is written down first (RFC 2131 section 4.3.1).
      if (records.length > 0) await this.#file.commit(records);
      for (const record of records) this.#follow(record);
      for (const reply of replies) this.#send(reply);
    }
  }

  #handle(bytes: Uint8Array) {
    try {
      const outcome = this.server.handle(decodeDhcp(bytes), Date.now());
      this.#report(outcome.event);
      return outcome;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#count("malformed");
      return undefined;
    }
  }

  #follow(record: LeaseRecord): void {
    this.#locate(record);
    this.#leased(record);
  }

  /**
   * The overlay has no broadcast from the gateway's side: it cannot ask by ARP where an address is, and need not, since
   * it gave it. Nor can another client claim it.
   */
  #locate({ state, address, chaddr, until }: LeaseRecord): void {
    if (state !== "bound" || until <= Date.now() || chaddr.length !== ethernetLength) return;
    try {
      setNeighbor({ device: this.#device, address, mac: chaddr });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      log.warn("{address} cannot be reached: {error}", { address: formatIpv4(address), error });
    }
  }

  #send({ message, limits, destination }: Reply): void {
    const payload = encodeDhcp(message, limits);
    try {
      if (destination.kind === "relay") {
        this.#socket.send(payload, { address: destination.address, port: dhcpServerPort });
        return;
      }
      const packet = encodeUdpPacket({
        source: this.#address,
        sourcePort: dhcpServerPort,
        destination: destination.address,
        destinationPort: clientPort,
        payload,
      });
      this.#packets.send(destination.mac, packet);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      // As if it was lost on the way: the client asks again.
      log.warn("an answer could not be sent: {error}", { error });
    }
  }

  #report(event: ServerEvent): void {
    this.#count(event.kind === "dropped" ? event.reason : event.kind);
    if (event.kind === "dropped") {
      const level = event.reason === "pool exhausted" ? "error" : "debug";
      log[level](`a DHCP message is dropped: {reason}`, { reason: event.reason });
      return;
    }
    const { chaddr, hostName } = event.client;
    const fields = { address: formatIpv4(event.address), mac: formatMac(chaddr), hostName };
    if (event.kind === "refused") {
      log.info("{address} is refused to {mac}: {reason}", { ...fields, reason: event.reason });
    } else log[event.kind === "leased" ? "info" : "debug"](`{address} ${event.kind}: {mac}`, fields);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
