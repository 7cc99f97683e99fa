import assert from "node:assert/strict";
import { decodeMessages, encodeMessage, findAttribute, u32 } from "../../../mod/linux/netlink_message.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();

Deno.test("nested attributes as the kernel wants them: padded, the flag for nested ones, lengths without padding", () => {
  const message = encodeMessage({ type: 19, flags: 5, sequence: 1 }, new Uint8Array(4), [
    { type: 3, value: new TextEncoder().encode("eth0\0") },
    { type: 26, value: [{ type: 2, value: [{ type: 1, value: [{ type: 8, value: u32(2) }] }] }] },
  ]);
  assert.equal(
    hex(message),
    [
      "34000000 1300 0500 01000000 00000000",
      "00000000",
      "0900 0300 6574683000 000000",
      "1400 1a80 1000 0280 0c00 0180 0800 0800 02000000",
    ].join("").replaceAll(" ", ""),
  );
  const [decoded] = decodeMessages(message);
  assert.equal(decoded?.type, 19);
  assert.equal(hex(findAttribute(decoded!.payload.subarray(4), [26, 2, 1, 8])!), "02000000");
  assert.equal(findAttribute(decoded!.payload.subarray(4), [26, 10]), undefined);
});

Deno.test("several messages in one datagram, and one that is cut", () => {
  const message = encodeMessage({ type: 16, flags: 0, sequence: 7 }, Uint8Array.of(1, 2, 3), []);
  const datagram = new Uint8Array(20 + 20 + 10);
  datagram.set(message);
  datagram.set(message, 20);
  datagram.set(message.subarray(0, 10), 40);
  assert.deepEqual(
    decodeMessages(datagram).map(({ type, sequence, payload }) => [type, sequence, ...payload]),
    [[16, 7, 1, 2, 3], [16, 7, 1, 2, 3]],
  );
  assert.deepEqual(decodeMessages(new Uint8Array(16)), []);
});
