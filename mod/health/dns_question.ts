/** A question that tells whether a DNS server is there. */

import { Writer } from "../wire/bytes.ts";

/** `. NS`, which every resolver has an answer to (RFC 1035 section 4.1). */
export function rootQuestion(id: number): Uint8Array<ArrayBuffer> {
  return new Writer(17).u16(id).u16(0x0100).u16(1).zeros(6).u8(0).u16(2).u16(1).finish();
}

/**
 * `version.bind CH TXT`, which dnsmasq answers itself, and others refuse: either way somebody is there. What comes behind
 * it is the caller's, `additionals` records.
 */
export function versionQuestion(id: number, writer: Writer = new Writer(64), additionals = 0): Writer {
  writer.u16(id).u16(0x0100).u16(1).u16(0).u16(0).u16(additionals);
  for (const label of ["version", "bind"]) writer.u8(label.length).put(new TextEncoder().encode(label));
  return writer.u8(0).u16(16).u16(3);
}

/** Whether somebody is there who answers questions; what he answers does not matter. */
export function isAnswer(bytes: Uint8Array, id: number): boolean {
  return bytes.length >= 12 && ((bytes[0]! << 8) | bytes[1]!) === id && (bytes[2]! & 0x80) !== 0;
}
