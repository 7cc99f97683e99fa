import assert from "node:assert/strict";
import { main, type Roles } from "../../../mod/cli/main.ts";
import { fakeIo } from "./fake_io.ts";

const roles: Roles = {
  runGateway: () => Promise.reject(new Error("not a role")),
  runClient: () => Promise.reject(new Error("not a role")),
};
const now = 1_700_000_000_000;

const body = JSON.stringify({
  role: "client",
  state: "open",
  since: now - 125_000,
  gateway: { address: "10.42.0.7", draining: false },
  lease: { address: "172.29.0.20", expiresAt: now + 43_140_000 },
  transitions: [
    { at: now - 126_000, to: "verifying", cause: "bound" },
    { at: now - 125_000, to: "open", cause: "probe answered" },
  ],
});
const shown = `role   client
state  open
since  2 min 5 s ago
gateway:
  address   10.42.0.7
  draining  no
lease:
  address  172.29.0.20
  expires  in 11 h 59 min
transitions:
  at             to         cause
  2 min 6 s ago  verifying  bound
  2 min 5 s ago  open       probe answered`;

Deno.test("status for people and for machines", async () => {
  const io = fakeIo({ answers: { "/v1/status": { status: 200, body: `${body}\n` } } });
  assert.equal(await main(["status"], roles, io), 0);
  assert.equal(await main(["status", "--json"], roles, io), 0);
  assert.deepEqual(io.out, [shown, body]);
});

Deno.test("--watch shows it again and again, also while nobody answers", async () => {
  const answers: Record<string, { status: number; body: string }> = {};
  let sleeps = 0;
  const stop = new Error("stopped by the test");
  const io = fakeIo({
    terminal: true,
    answers,
    sleep: (ms) => {
      assert.equal(ms, 1000);
      answers["/v1/status"] = { status: 200, body };
      return ++sleeps < 2 ? Promise.resolve() : Promise.reject(stop);
    },
  });
  await main(["status", "--watch"], roles, io);
  assert.deepEqual(io.out, ["\x1b[H\x1b[2Jnothing listens", `\x1b[H\x1b[2J${shown}`]);
});

Deno.test("--watch ends when nobody reads what it shows any more", async () => {
  const io = fakeIo({ answers: { "/v1/status": { status: 200, body } }, readers: 2 });
  assert.equal(await main(["status", "--watch"], roles, io), 0);
  assert.equal(io.out.length, 3);
});

const unusable: readonly [number, string, RegExp][] = [
  [404, "not found", /127\.0\.0\.1:3150\/v1\/status is not there: .* another role or version/],
  [500, "", /answered with HTTP status 500/],
  [200, "10.42.0.7\n", /did not answer with a JSON object/],
  [200, "[]", /did not answer with a JSON object/],
];

for (const [status, body, message] of unusable) {
  Deno.test(`an answer that cannot be shown: ${status} '${body.trim()}'`, async () => {
    const io = fakeIo({ answers: { "/v1/status": { status, body } } });
    assert.equal(await main(["status"], roles, io), 1);
    assert.match(io.err.join(), message);
  });
}

Deno.test("leases as a table", async () => {
  const leases = [
    { address: "172.29.0.20", mac: "02:78:0a:2a:00:05", hostName: "app-1", expiresAt: now + 61_000 },
    { address: "172.29.0.21", mac: "02:78:0a:2a:00:06", hostName: "\x1b]0;x\x07", expiresAt: now + 43_200_000 },
  ];
  const io = fakeIo({ answers: { "/v1/leases": { status: 200, body: JSON.stringify({ leases, free: 233 }) } } });
  assert.equal(await main(["leases"], roles, io), 0);
  assert.equal(
    io.out.join("\n"),
    `address      mac                host name  expires
172.29.0.20  02:78:0a:2a:00:05  app-1      in 1 min 1 s
172.29.0.21  02:78:0a:2a:00:06  ?]0;x?     in 12 h

free  233`,
  );
});

Deno.test("no leases", async () => {
  const io = fakeIo({ answers: { "/v1/leases": { status: 200, body: `{"leases":[]}` } } });
  assert.equal(await main(["leases"], roles, io), 0);
  assert.deepEqual(io.out, ["No leases."]);
});
