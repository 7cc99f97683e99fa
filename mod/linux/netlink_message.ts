/** Netlink messages (RFC 3549): headers and attributes, in the machine's byte order. Pure. */

/** An attribute's payload is bytes, or attributes. */
export type Attribute = {
  readonly type: number;
  readonly value: Uint8Array | readonly Attribute[];
};

/** A message as received. */
export type Message = {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
};

/** Attributes by type. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

const headerSize = 16;
const attributeHeaderSize = 4;
const NLA_F_NESTED = 0x8000;
const typeMask = 0x3fff;

/** `nlmsghdr` and its payload: `fixed`, the message type's own struct, and attributes. */
export function encodeMessage(
  header: { readonly type: number; readonly flags: number; readonly sequence: number },
  fixed: Uint8Array,
  attributes: readonly Attribute[],
): Uint8Array<ArrayBuffer> {
  const body = attributes.map(encodeAttribute);
  const length = headerSize + fixed.length + body.reduce((sum, bytes) => sum + bytes.length, 0);
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, header.type, true);
  view.setUint16(6, header.flags, true);
  view.setUint32(8, header.sequence, true);
  let at = headerSize;
  for (const part of [fixed, ...body]) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

/** The messages in one datagram from the kernel. */
export function decodeMessages(datagram: Uint8Array): Message[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at + headerSize <= datagram.length;) {
    const length = view.getUint32(at, true);
    if (length < headerSize || at + length > datagram.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: datagram.subarray(at + headerSize, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** The value of the attribute at `path`, each element the type within the one before; absent: it is not there. */
export function findAttribute(bytes: Uint8Array, path: readonly number[]): Uint8Array | undefined {
  return path.reduce<Uint8Array | undefined>(
    (within, type) => within === undefined ? undefined : decodeAttributes(within).get(type),
    bytes,
  );
}

/** A 32-bit number. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The attributes in `bytes`, one behind the other; none where there are no bytes. */
export function decodeAttributes(bytes: Uint8Array | undefined): Attributes {
  return new Map(attributeList(bytes).map(({ type, value }) => [type, value]));
}

/** The same in their order: a list has one type many times. */
export function attributeList(bytes: Uint8Array | undefined): { readonly type: number; readonly value: Uint8Array }[] {
  const found: { type: number; value: Uint8Array }[] = [];
  if (bytes === undefined) return found;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + attributeHeaderSize <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < attributeHeaderSize || at + length > bytes.length) break;
    const value = bytes.subarray(at + attributeHeaderSize, at + length);
    found.push({ type: view.getUint16(at + 2, true) & typeMask, value });
    at += aligned(length);
  }
  return found;
}

/** A number as {@link u32} writes it. */
export function readU32(value: Uint8Array | undefined): number | undefined {
  return value === undefined
    ? undefined
    : new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, true);
}

/** A NUL-terminated string; empty where there is none. */
export function readText(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value).replace(/\0.*$/s, "");
}

function encodeAttribute({ type, value }: Attribute): Uint8Array {
  const nested = !(value instanceof Uint8Array);
  const parts = nested ? value.map(encodeAttribute) : [value];
  const length = attributeHeaderSize + parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(aligned(length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, nested ? type | NLA_F_NESTED : type, true);
  let at = attributeHeaderSize;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
