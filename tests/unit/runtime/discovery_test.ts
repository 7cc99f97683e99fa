import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { askForGateway, type AskOptions, NoGatewayError } from "../../../mod/runtime/discovery.ts";
import { formatGatewayInfo } from "../../../mod/role/gateway_info.ts";
import type { GatewayCondition } from "../../../mod/health/probe.ts";
import { condition } from "../../scenario/client_dialogue.ts";
import { vxlan } from "../netstate/fixtures.ts";
import { answering, encode, freePort, loopback, Peer, readAll, readHead, sleep, writeAll } from "./loopback.ts";

const ip = parseIpv4;

/** The whole answer of our own gateway. */
function told(podAddress: string, more: Partial<GatewayCondition> = {}): string {
  const info = formatGatewayInfo({ podAddress: ip(podAddress), vxlan, condition: { ...condition, ...more } });
  return `HTTP/1.1 200 OK\r\n\r\n${info}\n`;
}

const gateway = (podAddress: string, more: Partial<GatewayCondition> = {}) =>
  new Peer(answering(told(podAddress, more)));

function ask(ports: readonly number[], more: Partial<AskOptions> = {}) {
  return askForGateway({
    candidates: ports.map((port) => ({ address: ip(loopback), port })),
    path: "/",
    tries: 6,
    host: "gateway.vpn",
    signal: new AbortController().signal,
    ...more,
  });
}

Deno.test("discovery: what a gateway tells of itself", async () => {
  const instance = "01".repeat(16);
  await using only = gateway("10.42.1.6", { instance });
  const { podAddress, info } = await ask([only.port]);
  assert.equal(podAddress, ip("10.42.1.6"));
  assert.deepEqual(info?.condition, { instance, healthy: true, draining: false, full: false });
  assert.equal(only.accepted, 1);
});

Deno.test("discovery: a gateway of the seed's kind tells its address, on any path or on the user's alone", async () => {
  await using anyPath = new Peer(answering("HTTP/1.0 200 OK\r\n\r\n10.42.1.7\n"));
  assert.deepEqual(await ask([anyPath.port]), { podAddress: ip("10.42.1.7") });
  const asked: string[] = [];
  await using onePath = new Peer(async (connection) => {
    const [line = ""] = (await readHead(connection)).split("\r\n");
    asked.push(line);
    const found = line.startsWith("GET /jp ");
    await writeAll(connection, encode(found ? "HTTP/1.0 200 OK\r\n\r\n10.42.1.8\n" : "HTTP/1.0 404 Not Found\r\n\r\n"));
    connection.close();
  });
  assert.deepEqual(await ask([onePath.port], { path: "/jp" }), { podAddress: ip("10.42.1.8") });
  assert.deepEqual(asked, ["GET /v1/gateway HTTP/1.0", "GET /jp HTTP/1.0"]);
});

Deno.test("discovery: a silent candidate gets company after 300 ms, and is given up when another answers", async () => {
  let [waiting, most] = [0, 0];
  await using silent = new Peer(async (connection) => {
    most = Math.max(most, ++waiting);
    await readAll(connection);
    waiting--;
  });
  await using good = gateway("10.42.1.6");
  const begun = performance.now();
  assert.equal((await ask([silent.port, silent.port, silent.port, good.port])).podAddress, ip("10.42.1.6"));
  assert(performance.now() - begun >= 3 * 290);
  assert.equal(most, 3, "none is given up for the next one");
});

Deno.test("discovery: one that refuses costs no time", async () => {
  await using good = gateway("10.42.1.6");
  const refusing = Array.from({ length: 15 }, () => freePort());
  let isOver = false;
  // A machine that is too busy is so for both.
  const waits = (async () => {
    for (let wait = 0; wait < refusing.length && !isOver; wait++) await sleep(290);
    return "fifteen waits";
  })();
  const answer = ask([...refusing, good.port]).then(({ podAddress }) => podAddress);
  assert.equal(await Promise.race([waits, answer]), ip("10.42.1.6"));
  isOver = true;
  await waits;
});

for (
  const [what, more] of [["is full", { full: true }], ["drains", { draining: true }], ["is ill", {
    healthy: false,
  }]] as const
) {
  Deno.test(`discovery: one that ${what} is taken only when there is no other`, async () => {
    await using poor = gateway("10.42.1.6", more);
    await using good = gateway("10.42.1.7");
    assert.equal((await ask([poor.port, good.port])).podAddress, ip("10.42.1.7"));
    assert.equal((await ask([poor.port])).podAddress, ip("10.42.1.6"));
  });
}

Deno.test("discovery: the one that failed is taken last, before one that does not work", async () => {
  await using failed = gateway("10.42.1.6");
  await using good = gateway("10.42.1.7");
  await using ill = gateway("10.42.1.8", { healthy: false });
  const avoid = ip("10.42.1.6");
  assert.equal((await ask([failed.port, good.port], { avoid })).podAddress, ip("10.42.1.7"));
  assert.equal((await ask([ill.port, failed.port], { avoid })).podAddress, avoid);
  assert.equal((await ask([failed.port, ill.port], { avoid })).podAddress, avoid);
});

Deno.test("discovery: behind one address there may be several gateways: it is asked again", async () => {
  let turn = 0;
  await using service = new Peer((connection) => answering(told(++turn < 4 ? "10.42.1.6" : "10.42.1.7"))(connection));
  assert.equal((await ask([service.port], { avoid: ip("10.42.1.6") })).podAddress, ip("10.42.1.7"));
  assert.equal(service.accepted, 4);
});

Deno.test("discovery: nobody answers as a gateway does: the reason is told, after a bounded number of questions", async () => {
  await using other = new Peer(answering("HTTP/1.0 200 OK\r\n\r\n<html>"));
  await assert.rejects(ask([other.port]), (error) => error instanceof NoGatewayError);
  assert(other.accepted <= 12, `${other.accepted} connections`);
  await assert.rejects(ask([freePort()]), /refused/);
});

const lies: readonly (readonly [name: string, body: string])[] = [
  ["JSON that is none", "{"],
  ["another program's JSON", '{"status":"ok"}'],
  ["an address with more behind it", "10.42.1.6; reboot"],
  ["an IPv6 address", "2001:db8::1"],
  ["nothing", ""],
];
for (const [name, body] of lies) {
  Deno.test(`discovery: ${name} is no gateway`, async () => {
    await using liar = new Peer(answering(`HTTP/1.0 200 OK\r\n\r\n${body}`));
    await assert.rejects(ask([liar.port]), NoGatewayError);
  });
}

Deno.test("discovery: given up, it ends at once and leaves no connection", async () => {
  await using silent = new Peer((connection) => readAll(connection).then(() => {}));
  const giveUp = new AbortController();
  const asking = ask([silent.port], { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(), 50);
  await assert.rejects(asking, { name: "NoGatewayError", message: "nobody answers" });
});
