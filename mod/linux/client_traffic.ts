/**
 * Bytes and packets of each client through a gateway, counted by the kernel: a table of nf_tables with one set for each
 * direction, in which a packet finds its client by a hash. That is one look-up for each packet, however many clients
 * there are. (Conntrack's accounting needs a writable /proc/sys, and forgets with each connection; a rule of iptables for
 * each client makes every packet pass all of them.)
 *
 * The table is owned by the socket that made it (NFT_TABLE_F_OWNER): it is gone when this process is, however it ends.
 */

import type { Ipv4 } from "../addr/ipv4.ts";
import { type ClientTraffic, mostCountedClients } from "../netstate/client_traffic.ts";
import { AF_INET, AF_NETLINK, cString, libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";
import {
  NETLINK_NETFILTER,
  nfgenmsgSize,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./netlink.ts";
import {
  type Attribute,
  attributeList,
  decodeMessages,
  encodeMessage,
  findAttribute,
  type Message,
} from "./netlink_message.ts";
import { check, SocketError } from "./socket_error.ts";

/** A client that sends nothing for so long is forgotten, milliseconds. */
const forgottenAfterMs = 86_400_000n;

/** linux/netlink.h, linux/netfilter/nfnetlink.h */
const NLM_F_APPEND = 0x800;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const NFNL_SUBSYS_NFTABLES = 10;

/** linux/netfilter/nf_tables.h */
const NFT_MSG = { newTable: 0, newChain: 3, newRule: 6, newSet: 9, newSetElement: 12, getSetElement: 13 } as const;
const NFT_TABLE_F_OWNER = 2;
const NFT_SET_TIMEOUT = 0x10;
const NFT_SET_EVAL = 0x20;
const NFT_META_IIFNAME = 6;
const NFT_META_OIFNAME = 7;
const NFT_REG_1 = 1;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_DYNSET_OP_UPDATE = 1;
const NF_INET_FORWARD = 2;
const NF_ACCEPT = 1;
/** Behind the filter table (0): what that drops is not counted. */
const priority = 10;

const table = "pgw-clients";
const chain = "forward";
/** Where a packet's client is in its IPv4 header: the source of what comes in by the tunnel, the destination of the rest. */
const directions = {
  out: { set: "out", interfaceKey: NFT_META_IIFNAME, offset: 12 },
  in: { set: "in", interfaceKey: NFT_META_OIFNAME, offset: 16 },
} as const;

export class ClientTrafficCounter implements Disposable {
  #sequence = 1;

  private constructor(readonly fd: number) {}

  /** Counts what is forwarded from and to `device` from now on. @throws {SocketError} the kernel has no nf_tables */
  static open(device: string): ClientTrafficCounter {
    const fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    const counter = new ClientTrafficCounter(fd);
    try {
      counter.#install(device);
      return counter;
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  /** So far, by client. @throws {SocketError} */
  read(): ReadonlyMap<Ipv4, ClientTraffic> {
    const traffic = new Map<Ipv4, ClientTraffic>();
    const none = { packets: 0, bytes: 0 };
    for (const direction of ["out", "in"] as const) {
      for (const [address, count] of this.#elements(directions[direction].set)) {
        traffic.set(address, { out: none, in: none, ...traffic.get(address), [direction]: count });
      }
    }
    return traffic;
  }

  /** The kernel takes the table away. */
  [Symbol.dispose](): void {
    libc.close(this.fd);
  }

  #install(device: string): void {
    const name = cString(device);
    const paddedName = new Uint8Array(16);
    paddedName.set(name.subarray(0, 16));
    const create = NLM_F_CREATE | NLM_F_ACK;
    const sets = Object.values(directions).map(({ set }, index) =>
      this.#message(NFT_MSG.newSet, create, [
        text(1, table),
        text(2, set),
        number(3, NFT_SET_EVAL | NFT_SET_TIMEOUT),
        number(4, 7), // what nft(8) calls ipv4_addr
        number(5, 4),
        { type: 9, value: [number(1, mostCountedClients)] },
        number(10, index + 1),
        { type: 11, value: be64(forgottenAfterMs) },
      ])
    );
    const rules = Object.values(directions).map(({ set, interfaceKey, offset }, index) =>
      this.#message(NFT_MSG.newRule, create | NLM_F_APPEND, [
        text(1, table),
        text(2, chain),
        {
          type: 4,
          value: [
            expression("meta", [number(1, NFT_REG_1), number(2, interfaceKey)]),
            expression("cmp", [number(1, NFT_REG_1), number(2, 0), {
              type: 3,
              value: [{ type: 1, value: paddedName }],
            }]),
            expression("payload", [
              number(1, NFT_REG_1),
              number(2, NFT_PAYLOAD_NETWORK_HEADER),
              number(3, offset),
              number(4, 4),
            ]),
            expression("dynset", [
              text(1, set),
              number(2, index + 1),
              number(3, NFT_DYNSET_OP_UPDATE),
              number(4, NFT_REG_1),
              { type: 7, value: [text(1, "counter"), { type: 2, value: [] }] },
            ]),
          ],
        },
      ])
    );
    const hook = { type: 4, value: [number(1, NF_INET_FORWARD), number(2, priority)] };
    this.#send("counting clients' traffic", [
      this.#batch(BATCH_BEGIN),
      this.#message(NFT_MSG.newTable, create, [text(1, table), number(2, NFT_TABLE_F_OWNER)]),
      ...sets,
      this.#message(NFT_MSG.newChain, create, [
        text(1, table),
        text(3, chain),
        hook,
        number(5, NF_ACCEPT),
        text(7, "filter"),
      ]),
      ...rules,
      this.#batch(BATCH_END),
    ]);
    for (const message of this.#pending()) refuse("counting clients' traffic", message);
  }

  *#elements(set: string): Generator<[Ipv4, { packets: number; bytes: number }]> {
    const operation = "reading clients' traffic";
    this.#send(operation, [this.#message(NFT_MSG.getSetElement, NLM_F_DUMP, [text(1, table), text(2, set)])]);
    for (const message of this.#pending()) {
      refuse(operation, message);
      if (message.type !== nfTables(NFT_MSG.newSetElement)) continue;
      const list = findAttribute(message.payload.subarray(nfgenmsgSize), [3]);
      for (const { value } of list === undefined ? [] : attributeList(list)) {
        const key = findAttribute(value, [1, 1]);
        const bytes = findAttribute(value, [7, 2, 1]);
        const packets = findAttribute(value, [7, 2, 2]);
        if (key === undefined || bytes === undefined || packets === undefined) continue;
        yield [view(key).getUint32(0), { packets: u64(packets), bytes: u64(bytes) }];
      }
    }
  }

  /** What the kernel has answered: all of it is there when the request was taken, but for a dump, which goes on as it is read. */
  *#pending(): Generator<Message> {
    const buffer = new Uint8Array(32_768);
    for (;;) {
      const length = libc.recv(this.fd, buffer, BigInt(buffer.length), MSG_DONTWAIT);
      if (length <= 0) return;
      for (const message of decodeMessages(buffer.slice(0, length))) {
        if (message.type === NLMSG_DONE) return;
        yield message;
      }
    }
  }

  #send(operation: string, messages: readonly Uint8Array[]): void {
    const bytes = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const message of messages) {
      bytes.set(message, at);
      at += message.length;
    }
    const kernel = new Uint8Array(12);
    kernel[0] = AF_NETLINK;
    check(operation, libc.sendto(this.fd, bytes, BigInt(bytes.length), 0, kernel, kernel.length));
  }

  #message(type: number, flags: number, attributes: readonly Attribute[]): Uint8Array {
    const header = { type: nfTables(type), flags: NLM_F_REQUEST | flags, sequence: this.#sequence++ };
    return encodeMessage(header, Uint8Array.of(AF_INET, 0, 0, 0), attributes);
  }

  #batch(type: number): Uint8Array {
    const header = { type, flags: NLM_F_REQUEST, sequence: this.#sequence++ };
    return encodeMessage(header, Uint8Array.of(0, 0, 0, NFNL_SUBSYS_NFTABLES), []);
  }
}

function nfTables(type: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | type;
}

function expression(name: string, data: readonly Attribute[]): Attribute {
  return { type: 1, value: [text(1, name), { type: 2, value: data }] };
}

function text(type: number, value: string): Attribute {
  return { type, value: cString(value) };
}

/** In network order, as all numbers of nf_tables. */
function number(type: number, value: number): Attribute {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value);
  return { type, value: bytes };
}

function be64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  view(bytes).setBigUint64(0, value);
  return bytes;
}

function u64(bytes: Uint8Array): number {
  return Number(view(bytes).getBigUint64(0));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** `EPERM` is no missing right here: another process owns the table. */
function refuse(operation: string, { type, payload }: Message): void {
  if (type !== NLMSG_ERROR) return;
  const code = -view(payload).getInt32(0, true);
  if (code !== 0) throw new SocketError(operation, code);
}
