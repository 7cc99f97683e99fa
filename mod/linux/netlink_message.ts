/** Netlink messages (RFC 3549): headers and attributes, in the machine's byte order. Pure. */

/** An attribute's payload is bytes, or attributes. */
export type Attribute = {
  readonly type: number;
  readonly value: Uint8Array | readonly Attribute[];
};

/** A message as received. */
export type Message = { readonly type: number; readonly sequence: number; readonly payload: Uint8Array };

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
    (within, type) => within === undefined ? undefined : attributes(within).get(type),
    bytes,
  );
}

/** A 32-bit number. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + attributeHeaderSize <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < attributeHeaderSize || at + length > bytes.length) break;
    found.set(view.getUint16(at + 2, true) & typeMask, bytes.subarray(at + attributeHeaderSize, at + length));
    at += aligned(length);
  }
  return found;
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
