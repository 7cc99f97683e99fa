/** VXLAN (RFC 7348 section 5): the header between a UDP datagram's and the frame that it carries. */

import { Reader, WireError, Writer } from "./bytes.ts";

export type VxlanDatagram = {
  /** 24 bits. */
  readonly vni: number;
  /** The Ethernet frame inside. */
  readonly frame: Uint8Array;
};

/** The flag I: the VNI is valid. */
const validVni = 0x08;
const headerLength = 8;

/** @throws {WireError} when it is cut short or has no VNI */
export function decodeVxlan(bytes: Uint8Array): VxlanDatagram {
  const reader = new Reader(bytes);
  if ((reader.u8() & validVni) === 0) throw new WireError("a VXLAN header without a VNI");
  reader.skip(3);
  const vni = reader.u32() >>> 8;
  return { vni, frame: reader.take(reader.remaining) };
}

export function encodeVxlan({ vni, frame }: VxlanDatagram): Uint8Array<ArrayBuffer> {
  return new Writer(undefined, headerLength + frame.length).u8(validVni).zeros(3).u32((vni << 8) >>> 0).put(frame)
    .finish();
}
