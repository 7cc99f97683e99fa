import assert from "node:assert/strict";
import fc from "fast-check";
import {
  answerInPlace,
  decodeProbeAnswer,
  encodeProbeAnswer,
  encodeProbeQuestion,
  notice,
  probeNonce,
} from "../../../mod/health/probe.ts";
import { WireError } from "../../../mod/wire/bytes.ts";

const permissions = "none";
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
const condition = {
  instance: "00112233445566778899aabbccddeeff",
  healthy: true,
  draining: false,
  full: true,
};

Deno.test("probe: the bytes of a question and of its answer", { permissions }, () => {
  assert.equal(
    hex(encodeProbeQuestion("a1a2a3a4a5a6a7a8")),
    `50 47 57 31 01 00 00 00 a1 a2 a3 a4 a5 a6 a7 a8${" 00".repeat(16)}`,
  );
  assert.equal(
    hex(encodeProbeAnswer({ nonce: "a1a2a3a4a5a6a7a8", condition })),
    "50 47 57 31 02 05 00 00 a1 a2 a3 a4 a5 a6 a7 a8 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff",
  );
});

const nonces = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 16, maxLength: 16 })
  .map((digits) => digits.map((digit) => digit.toString(16)).join(""));
const conditions = fc.record({
  instance: fc.tuple(nonces, nonces).map(([a, b]) => a + b),
  healthy: fc.boolean(),
  draining: fc.boolean(),
  full: fc.boolean(),
}, { noNullPrototype: true });

Deno.test("probe: what is written is read", { permissions }, () => {
  fc.assert(fc.property(nonces, conditions, (nonce, condition) => {
    assert.deepEqual(decodeProbeAnswer(encodeProbeAnswer({ nonce, condition })), { nonce, condition });
  }));
});

Deno.test("probe: anything else is a WireError, a question where an answer is due too", { permissions }, () => {
  const question = encodeProbeQuestion("a1a2a3a4a5a6a7a8");
  assert.throws(() => decodeProbeAnswer(question), WireError);
  for (const length of [0, 1, 31, 33]) {
    assert.throws(() => decodeProbeAnswer(new Uint8Array(length)), WireError);
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
    assert.throws(() => decodeProbeAnswer(bytes), WireError);
  }));
});

Deno.test("probe: a question becomes its answer in place, and nothing else becomes one", { permissions }, () => {
  const present = encodeProbeAnswer({ nonce: notice, condition });
  fc.assert(fc.property(nonces, (nonce) => {
    const bytes = encodeProbeQuestion(nonce);
    assert.equal(answerInPlace(bytes, present), true);
    assert.deepEqual(bytes, encodeProbeAnswer({ nonce, condition }));
    assert.equal(answerInPlace(bytes, present), false, "an answer is no question");
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const before = bytes.slice();
    assert.equal(answerInPlace(bytes, present), false);
    assert.deepEqual(bytes, before);
  }));
});

Deno.test("probe: a question is no smaller than its answer, so that nothing is amplified", { permissions }, () => {
  assert.equal(encodeProbeQuestion(notice).length, encodeProbeAnswer({ nonce: notice, condition }).length);
});

Deno.test(
  "probe: a nonce has 16 digits whatever the chance",
  { permissions },
  () => {
    assert.equal(probeNonce(() => 0.5), "8000000080000000");
    assert.equal(probeNonce(() => 0.9999999999), "ffffffffffffffff");
  },
);
