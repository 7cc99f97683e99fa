import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { broadcastMac, parseMac } from "../../../mod/addr/mac.ts";
import { WireError, Writer } from "../../../mod/wire/bytes.ts";
import { decodeEthernet, etherTypes } from "../../../mod/wire/ethernet.ts";
import { addWords, checksum, decodeIpv4, writeIpv4Header } from "../../../mod/wire/ipv4.ts";
import { decodeUdp, encodeUdpFrame, encodeUdpPacket, type UdpDatagram } from "../../../mod/wire/udp.ts";

const address = fc.integer({ min: 0, max: 0xffffffff });
const port = fc.integer({ min: 0, max: 0xffff });
const datagrams: fc.Arbitrary<UdpDatagram> = fc.record({
  source: address,
  sourcePort: port,
  destination: address,
  destinationPort: port,
  payload: fc.uint8Array({ maxLength: 1_400 }),
}, { noNullPrototype: true });
const sample: UdpDatagram = {
  source: parseIpv4("172.29.0.1"),
  sourcePort: 67,
  destination: parseIpv4("255.255.255.255"),
  destinationPort: 68,
  payload: Uint8Array.of(1, 2, 3),
};

Deno.test("udp: a frame is decoded as it was encoded, whatever padding is behind it", () => {
  const mac = parseMac("02:77:ac:1d:00:01");
  fc.assert(fc.property(datagrams, fc.nat(20), (datagram, padding) => {
    const bytes = encodeUdpFrame(datagram, mac, broadcastMac);
    const frame = decodeEthernet(Uint8Array.of(...bytes, ...new Uint8Array(padding)));
    assert.deepEqual([frame.source, frame.destination, frame.etherType], [mac, broadcastMac, etherTypes.ipv4]);
    assert.deepEqual(decodeUdp(decodeIpv4(frame.payload)), datagram);
  }));
});

Deno.test("udp: a changed bit anywhere in the packet is seen", () => {
  const bytes = encodeUdpPacket(sample);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    assert.throws(() => decodeUdp(decodeIpv4(changed)), WireError, `bit ${bit}`);
  }
});

Deno.test("udp: any bytes are a datagram or a WireError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    try {
      decodeUdp(decodeIpv4(decodeEthernet(bytes).payload));
    } catch (error) {
      assert(error instanceof WireError);
    }
  }));
});

Deno.test("udp: a checksum of zero is none (RFC 768)", () => {
  const packet = decodeIpv4(encodeUdpPacket(sample));
  const payload = packet.payload.slice();
  payload[6] = payload[7] = 0;
  assert.deepEqual(decodeUdp({ ...packet, payload }), sample);
});

Deno.test("udp: a sum that happens to be zero is sent as ffff (RFC 768)", () => {
  for (let word = 0; word <= 0xffff; word++) {
    const payload = Uint8Array.of(word >>> 8, word & 0xff);
    const datagram = decodeIpv4(encodeUdpPacket({ ...sample, payload })).payload;
    assert.notEqual((datagram[6]! << 8) | datagram[7]!, 0);
  }
});

Deno.test("ipv4: the checksum of RFC 1071's example, and of an odd number of bytes", () => {
  assert.equal(checksum(addWords(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))), 0x220d);
  assert.equal(checksum(addWords(Uint8Array.of(0xff))), 0x00ff);
});

Deno.test("ipv4: fragments, other versions and wrong lengths are refused; don't-fragment and options are not", () => {
  const packet = { source: 1, destination: 2, protocol: 17, ttl: 64, payload: Uint8Array.of(1, 2, 3, 4) };
  const mangled = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = writeIpv4Header(new Writer(), packet, packet.payload.length).put(packet.payload).finish();
    change(bytes);
    bytes[10] = bytes[11] = 0;
    const sum = checksum(addWords(bytes.subarray(0, 4 * (bytes[0]! & 15))));
    bytes[10] = sum >>> 8;
    bytes[11] = sum & 0xff;
    return bytes;
  };
  assert.deepEqual(decodeIpv4(mangled(() => {})), packet);
  assert.deepEqual(decodeIpv4(mangled((bytes) => bytes[0] = 0x46)).payload, new Uint8Array(0));
  for (
    const change of [
      (bytes: Uint8Array) => bytes[6] = 0x20,
      (bytes: Uint8Array) => bytes[7] = 1,
      (bytes: Uint8Array) => bytes[0] = 0x65,
      (bytes: Uint8Array) => bytes[0] = 0x44,
      (bytes: Uint8Array) => bytes[3] = 19,
      (bytes: Uint8Array) => bytes[3] = 25,
    ]
  ) {
    assert.throws(() => decodeIpv4(mangled(change)), WireError);
  }
});
