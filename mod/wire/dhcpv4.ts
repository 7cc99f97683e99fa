/** The DHCP message (RFC 2131 section 2): bounds-checked decoding and encoding. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { type DhcpOptions, EncodedOptions, nextOption, optionCodes, OptionList } from "./dhcpv4_options.ts";

/** One message, without what is only encoding: padding, the `end` option, splitting and overloading of options. */
export type DhcpMessage = {
  /** 1 BOOTREQUEST, 2 BOOTREPLY. */
  readonly op: 1 | 2;
  /** Hardware type; 1 is Ethernet. */
  readonly htype: number;
  /** Relays that it went through. */
  readonly hops: number;
  /** Transaction identifier, chosen by the client. */
  readonly xid: number;
  /** Seconds since the client began. */
  readonly secs: number;
  /** The only flag: the client cannot receive unicast before it has an address. */
  readonly broadcast: boolean;
  /** Client address, when the client has and can use it. */
  readonly ciaddr: Ipv4;
  /** "Your" address: the one that the server gives. */
  readonly yiaddr: Ipv4;
  /** The next server of a network boot. */
  readonly siaddr: Ipv4;
  /** Gateway: the relay's address. */
  readonly giaddr: Ipv4;
  /** Client hardware address, `hlen` (0 to 16) bytes. */
  readonly chaddr: Uint8Array;
  /** Server host name, up to 64 bytes, trailing NULs removed. Empty where it carried options. */
  readonly sname: Uint8Array;
  /** Boot file name, up to 128 bytes, trailing NULs removed. Empty where it carried options. */
  readonly file: Uint8Array;
  readonly options: DhcpOptions;
};

export type EncodeLimits = {
  /** Pads up to this many bytes: BOOTP relays and servers drop shorter ones (RFC 1542 section 2.1). Default 300. */
  readonly minimum?: number;
  /** What the receiver takes, without IP and UDP headers. Default 548, of the 576 that all must take (RFC 2131). */
  readonly maximum?: number;
  /** What to do with options that do not fit: refuse the message (default), or leave out those at the end. */
  readonly overflow?: "throw" | "omit";
};

/** No `sname`, no `file`. */
export const noBytes = new Uint8Array(0);

const magicCookie = 0x63825363;
const broadcastFlag = 0x8000;
/** The length of the field `chaddr`: a hardware address has at most so many bytes. */
export const chaddrLength = 16;
const snameLength = 64;
const fileLength = 128;
/** Fixed fields and cookie. */
const headerLength = 240;

/**
 * Decodes the payload of a UDP datagram, the first `length` bytes of `bytes`. Options that come in several pieces are
 * joined (RFC 3396), those in `file` and `sname` included. The byte arrays are views of `bytes` where possible: copy
 * what outlives the buffer.
 *
 * @throws {WireError} when it is not a DHCP message or an option reaches past its end
 */
export function decodeDhcp(bytes: Uint8Array, length: number = bytes.length): DhcpMessage {
  const reader = new Reader(bytes, length);
  const op = reader.u8();
  if (op !== 1 && op !== 2) throw new WireError(`op ${op} is neither BOOTREQUEST nor BOOTREPLY`);
  const htype = reader.u8();
  const hlen = reader.u8();
  if (hlen > chaddrLength) throw new WireError(`hlen ${hlen} is over ${chaddrLength}`);
  const hops = reader.u8();
  const xid = reader.u32();
  const secs = reader.u16();
  const broadcast = (reader.u16() & broadcastFlag) !== 0;
  const ciaddr = reader.u32();
  const yiaddr = reader.u32();
  const siaddr = reader.u32();
  const giaddr = reader.u32();
  const chaddr = reader.take(hlen);
  reader.skip(chaddrLength - hlen);
  const snameAt = reader.offset;
  const fileAt = snameAt + snameLength;
  reader.skip(snameLength + fileLength);
  if (reader.u32() !== magicCookie) throw new WireError("no DHCP magic cookie: plain BOOTP is not served");

  const optionsAt = reader.offset;
  const isPlain = hasPlainOptions(bytes, optionsAt, length);
  const fields = isPlain ? undefined : new OptionFields(bytes, optionsAt, length, snameAt, fileAt);
  const overload = fields?.overload ?? 0;
  return {
    op,
    htype,
    hops,
    xid,
    secs,
    broadcast,
    ciaddr,
    yiaddr,
    siaddr,
    giaddr,
    chaddr,
    sname: overload & 2 ? noBytes : withoutTrailingZeros(bytes, snameAt, fileAt),
    file: overload & 1 ? noBytes : withoutTrailingZeros(bytes, fileAt, fileAt + fileLength),
    options: fields?.join() ?? new EncodedOptions(bytes, optionsAt, length),
  };
}

/** By code: whether {@link hasPlainOptions} has met it. */
const isMet = new Uint8Array(256);

/** Whether the field between two offsets has each option in one piece, and has all of them. */
function hasPlainOptions(bytes: Uint8Array, start: number, end: number): boolean {
  isMet.fill(0);
  isMet[optionCodes.overload] = 1;
  for (let at = nextOption(bytes, start, end); at < end; at = nextOption(bytes, endOfOption(bytes, at, end), end)) {
    if (isMet[bytes[at]!]) return false;
    isMet[bytes[at]!] = 1;
  }
  return true;
}

/** @param at where its code is @throws {WireError} when it reaches past `fieldEnd` */
function endOfOption(bytes: Uint8Array, at: number, fieldEnd: number): number {
  const end = at + 1 < fieldEnd ? at + 2 + bytes[at + 1]! : Infinity;
  if (end > fieldEnd) throw new WireError(`option ${bytes[at]} reaches past the end of its field`);
  return end;
}

/** Collects the options of the fields that carry them. */
class OptionFields {
  readonly #options = new OptionList();
  /** Only for options that came in several pieces, so that joining costs no more than what was sent. */
  #pieces: Map<number, Uint8Array[]> | undefined;

  /** Which of `file` (1) and `sname` (2) carry options. */
  readonly overload: number;

  /** @throws {WireError} when an option reaches past the end of its field, or the overload is none */
  constructor(readonly bytes: Uint8Array, start: number, end: number, snameAt: number, fileAt: number) {
    this.#read(start, end);
    this.overload = this.#overload();
    // "file" is read before "sname" (RFC 2131 section 4.1).
    if (this.overload & 1) this.#read(fileAt, fileAt + fileLength);
    if (this.overload & 2) this.#read(snameAt, fileAt);
  }

  /** The field between two offsets. */
  #read(start: number, end: number): void {
    const { bytes } = this;
    for (let at = nextOption(bytes, start, end); at < end;) {
      const optionEnd = endOfOption(bytes, at, end);
      this.#add(bytes[at]!, bytes.subarray(at + 2, optionEnd));
      at = nextOption(bytes, optionEnd, end);
    }
  }

  /** The value of option 52, or 0. */
  #overload(): number {
    const value = this.#options.get(optionCodes.overload);
    if (value === undefined) return 0;
    const isRepeated = this.#pieces?.has(optionCodes.overload);
    if (isRepeated || value.length !== 1 || value[0]! < 1 || value[0]! > 3) {
      throw new WireError("option overload is not 1, 2 or 3");
    }
    return value[0]!;
  }

  /** All options but 52: it says where they were, which nobody needs to know afterwards. */
  join(): DhcpOptions {
    this.#options.delete(optionCodes.overload);
    if (this.#pieces === undefined) return this.#options;
    this.#pieces.delete(optionCodes.overload);
    for (const [code, pieces] of this.#pieces) {
      const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let offset = 0;
      for (const piece of pieces) {
        whole.set(piece, offset);
        offset += piece.length;
      }
      this.#options.set(code, whole);
    }
    return this.#options;
  }

  #add(code: number, value: Uint8Array): void {
    const first = this.#options.get(code);
    if (first === undefined) {
      this.#options.set(code, value);
      return;
    }
    this.#pieces ??= new Map();
    const pieces = this.#pieces.get(code);
    if (pieces === undefined) this.#pieces.set(code, [first, value]);
    else pieces.push(value);
  }
}

function withoutTrailingZeros(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let last = end;
  while (last > start && bytes[last - 1] === 0) last--;
  return last === start ? noBytes : bytes.subarray(start, last);
}

/**
 * Encodes a message. Values of over 255 bytes are split (RFC 3396); what does not fit behind the header goes into
 * `file` and then `sname` if the message leaves them free (option 52).
 *
 * @param writer if given, the result is in its memory
 * @throws {WireError} when a field is longer than its place, or the options do not fit and `overflow` is `throw`
 */
export function encodeDhcp(
  message: DhcpMessage,
  limits: EncodeLimits = {},
  writer: Writer = new Writer(Infinity),
): Uint8Array<ArrayBuffer> {
  const { minimum = 300, maximum = 548, overflow = "throw" } = limits;
  const { chaddr, sname, file } = message;
  if (chaddr.length > chaddrLength || sname.length > snameLength || file.length > fileLength) {
    throw new WireError("chaddr, sname or file is longer than its field");
  }
  writeHeader(writer.restart(), message, sname, file);
  message.options.forEach((value, code) => writeOption(writer, code, value));
  if (writer.length + 1 > maximum) return encodeOverloaded(message, minimum, maximum, overflow, writer);
  return pad(writer.u8(optionCodes.end), minimum);
}

function pad(writer: Writer, minimum: number): Uint8Array<ArrayBuffer> {
  return (writer.length < minimum ? writer.zeros(minimum - writer.length) : writer).finish();
}

function writeHeader(writer: Writer, message: DhcpMessage, sname: Uint8Array, file: Uint8Array): void {
  writer.u8(message.op).u8(message.htype).u8(message.chaddr.length).u8(message.hops)
    .u32(message.xid)
    .u16(message.secs).u16(message.broadcast ? broadcastFlag : 0)
    .u32(message.ciaddr).u32(message.yiaddr).u32(message.siaddr).u32(message.giaddr)
    .put(message.chaddr).zeros(chaddrLength - message.chaddr.length)
    .put(sname).zeros(snameLength - sname.length)
    .put(file).zeros(fileLength - file.length)
    .u32(magicCookie);
}

/** An empty option is one piece too. */
function pieceCount(value: Uint8Array): number {
  return Math.max(1, Math.ceil(value.length / 255));
}

function writeOption(writer: Writer, code: number, value: Uint8Array): void {
  if (value.length <= 255) {
    writer.u8(code).u8(value.length).put(value);
    return;
  }
  for (let offset = 0; offset < value.length; offset += 255) {
    const piece = value.subarray(offset, offset + 255);
    writer.u8(code).u8(piece.length).put(piece);
  }
}

/** A field that carries options, with room for its `end`. */
type OptionField = { readonly writer: Writer; capacity: number };

function encodeOverloaded(
  message: DhcpMessage,
  minimum: number,
  maximum: number,
  overflow: "throw" | "omit",
  writer: Writer,
): Uint8Array<ArrayBuffer> {
  const overloadLength = 3;
  const own: OptionField = { writer: new Writer(), capacity: maximum - headerLength - overloadLength - 1 };
  const file: OptionField = { writer: new Writer(), capacity: message.file.length === 0 ? fileLength - 1 : 0 };
  const sname: OptionField = { writer: new Writer(), capacity: message.sname.length === 0 ? snameLength - 1 : 0 };
  // A relay finds what it said of itself (RFC 3046) at the end of the field that is for options alone.
  const relayInformation = message.options.get(optionCodes.relayAgentInformation);
  const isKept = relayInformation !== undefined && relayInformation.length <= 255;
  if (isKept) own.capacity -= 2 + relayInformation.length;
  for (const [code, value] of message.options) {
    if (isKept && code === optionCodes.relayAgentInformation) continue;
    const needed = value.length + 2 * pieceCount(value);
    // Whole options only: not every receiver joins pieces that were put into different fields.
    const field = [own, file, sname].find(({ writer, capacity }) => writer.length + needed <= capacity);
    if (field !== undefined) writeOption(field.writer, code, value);
    else if (overflow === "throw") throw new WireError(`the options do not fit into ${maximum} bytes`);
  }
  const overload = (file.writer.length > 0 ? 1 : 0) | (sname.writer.length > 0 ? 2 : 0);
  writeHeader(
    writer.restart(),
    message,
    overload & 2 ? sname.writer.u8(optionCodes.end).finish() : message.sname,
    overload & 1 ? file.writer.u8(optionCodes.end).finish() : message.file,
  );
  writer.put(own.writer.finish());
  if (isKept) writeOption(writer, optionCodes.relayAgentInformation, relayInformation);
  if (overload !== 0) writer.u8(optionCodes.overload).u8(1).u8(overload);
  return pad(writer.u8(optionCodes.end), minimum);
}
