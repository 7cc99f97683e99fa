import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, encode } from "dns-packet";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { UdpSocket } from "../../../mod/linux/udp_socket.ts";
import { rcodes } from "../../../mod/wire/dns.ts";
import { addressesInHosts, candidateNames, resolveName } from "../../../mod/runtime/resolver.ts";

const search = ["vpn.svc.cluster.local", "svc.cluster.local.", "."];

Deno.test("resolver: names in the order of resolv.conf(5)", () => {
  assert.deepEqual(candidateNames("gateway", { search, ndots: 5 }), [
    "gateway.vpn.svc.cluster.local",
    "gateway.svc.cluster.local",
    "gateway",
  ]);
  assert.deepEqual(candidateNames("gateway.vpn.svc.cluster.local", { search: ["example.com"], ndots: 2 }), [
    "gateway.vpn.svc.cluster.local",
    "gateway.vpn.svc.cluster.local.example.com",
  ]);
  assert.deepEqual(candidateNames("gateway.vpn", { search: ["example.com"], ndots: 1 })[0], "gateway.vpn");
  assert.deepEqual(candidateNames("gateway.vpn.", { search, ndots: 5 }), ["gateway.vpn"]);
  assert.deepEqual(candidateNames("gateway", { search: [], ndots: 1 }), ["gateway"]);
});

Deno.test("resolver: the full name of a Service is asked for as it is, whatever the search list and ndots say", () => {
  const search = ["vpn.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan"];
  assert.deepEqual(candidateNames("gateway.vpn.svc.cluster.local", { search, ndots: 5 }), [
    "gateway.vpn.svc.cluster.local",
  ]);
  for (const name of ["gateway.vpn.svc", "gateway.vpn.svc.other.example", "gatewaysvc.cluster.local"]) {
    const names = candidateNames(name, { search, ndots: 5 });
    assert.deepEqual(names, [...search.map((domain) => `${name}.${domain}`), name]);
  }
});

const hosts = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost
10.42.1.6  Gateway.VPN  gateway  # a comment with other
10.42.1.7 gateway
fe80::1 six
300.1.1.1 wrong
`;

Deno.test("resolver: the IPv4 addresses of a name in a hosts(5) file", () => {
  const found = (name: string) => addressesInHosts(hosts, name);
  assert.deepEqual(found("gateway"), [parseIpv4("10.42.1.6"), parseIpv4("10.42.1.7")]);
  assert.deepEqual(found("gateway.vpn."), [parseIpv4("10.42.1.6")]);
  assert.deepEqual(found("GATEWAY.vpn"), [parseIpv4("10.42.1.6")]);
  for (const name of ["six", "wrong", "other", "10.42.1.6", "", "#"]) assert.deepEqual(found(name), [], name);
});

Deno.test("resolver: a name in the hosts file needs no nameserver; without either it says what is missing", async () => {
  const config = { nameservers: [], search, ndots: 5, hosts };
  assert.deepEqual(await resolveName("gateway", config), [parseIpv4("10.42.1.6"), parseIpv4("10.42.1.7")]);
  await assert.rejects(resolveName("other", config), /resolv\.conf names no IPv4 nameserver/);
});

/** A nameserver on a loopback address of its own, which does with each question what `act` says. */
async function nameserver(hostname: string, act: (question: Uint8Array, number: number) => Uint8Array | undefined) {
  const socket = createSocket("udp4");
  const asked: Uint8Array[] = [];
  socket.on("message", (question, from) => {
    asked.push(question);
    const answer = act(question, asked.length);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  socket.bind(53, hostname);
  await once(socket, "listening");
  return { address: parseIpv4(hostname), asked, [Symbol.dispose]: () => void socket.close() };
}

function answer(question: Uint8Array, rcode: number, data?: string): Uint8Array {
  const { id = 0, questions = [] } = decode(Buffer.from(question));
  const answers = data === undefined ? [] : [{ type: "A" as const, name: questions[0]!.name, data, ttl: 5 }];
  return encode({ type: "response", id, questions, answers, flags: 0x0180 | rcode });
}

const plain = { search: [], ndots: 1, hosts: "", asApplication: true } as const;

Deno.test("resolver: what is lost is asked again soon, and an answer to any of the questions counts", async () => {
  let first: Uint8Array | undefined;
  using server = await nameserver("127.0.0.61", (question, number) => {
    first ??= question;
    return number < 3 ? undefined : answer(first, rcodes.noError, "10.43.0.50");
  });
  const began = performance.now();
  assert.deepEqual(await resolveName("gateway", { ...plain, nameservers: [server.address] }), [
    parseIpv4("10.43.0.50"),
  ]);
  assert.ok(performance.now() - began >= 440, "150 and 300 ms");
});

Deno.test("resolver: servers that do not want to say mean no, if all of them do; who is silent is named", async () => {
  using refusing = await nameserver("127.0.0.62", (question) => answer(question, rcodes.refused));
  using failing = await nameserver("127.0.0.63", (question) => answer(question, rcodes.servFail));
  using silent = await nameserver("127.0.0.64", () => undefined);
  const ask = (...servers: { address: number }[]) =>
    resolveName("gateway", { ...plain, nameservers: servers.map(({ address }) => address) });
  await assert.rejects(ask(refusing, failing), /'gateway' does not resolve: 127\.0\.0\.62, 127\.0\.0\.63 knows/);
  await assert.rejects(ask(refusing, silent), /cannot be resolved: 127\.0\.0\.64 does not answer/);
  assert.ok(silent.asked.length > 0);
  await nothingIsWaitedFor();
});

const nodes = { ...plain, search: ["vpn.svc.cluster.local", "svc.cluster.local", "lan", "corp.example"], ndots: 5 };
const nameOf = (question: Uint8Array) => decode(Buffer.from(question)).questions![0]!.name;
/** Says of each name what `addresses` do, `undefined` being silence, and that all others do not exist. */
const zone = (addresses: Readonly<Record<string, string | undefined>>) => (question: Uint8Array) => {
  const name = nameOf(question);
  if (!(name in addresses)) return answer(question, rcodes.nxDomain);
  const data = addresses[name];
  return data === undefined ? undefined : answer(question, rcodes.noError, data);
};

Deno.test("resolver: names are asked for one after the other, and none behind the first that has an address", async () => {
  using server = await nameserver("127.0.0.65", zone({ "gateway.svc.cluster.local": "10.43.0.50" }));
  assert.deepEqual(await resolveName("gateway", { ...nodes, nameservers: [server.address] }), [
    parseIpv4("10.43.0.50"),
  ]);
  assert.deepEqual(server.asked.map(nameOf), ["gateway.vpn.svc.cluster.local", "gateway.svc.cluster.local"]);
  await nothingIsWaitedFor();
});

Deno.test("resolver: silence about names of a search domain does not hide those behind it, and takes its time once", async () => {
  const silent = { "gateway.corp.lan": undefined, "gateway.corp.corp.example": undefined };
  using server = await nameserver("127.0.0.66", zone({ ...silent, "gateway.corp": "198.51.100.7" }));
  const began = performance.now();
  assert.deepEqual(await resolveName("gateway.corp", { ...nodes, nameservers: [server.address] }), [
    parseIpv4("198.51.100.7"),
  ]);
  const took = performance.now() - began;
  assert.ok(took >= 2_090 && took < 3_000, `${took} ms: two names, each silent for 2.1 s`);
  await nothingIsWaitedFor();
});

Deno.test("resolver: an earlier name's answer counts although a later one's came first", async () => {
  let questions = 0;
  const addresses = { "gateway.lan": "10.9.0.1", "gateway": "198.51.100.7" };
  using server = await nameserver("127.0.0.67", (question) => {
    if (nameOf(question) === "gateway.lan" && ++questions < 3) return undefined;
    return zone(addresses)(question);
  });
  assert.deepEqual(await resolveName("gateway", { ...nodes, nameservers: [server.address] }), [parseIpv4("10.9.0.1")]);
  await nothingIsWaitedFor();
});

Deno.test("resolver: when no name is answered with an address, the first silence is told, and the user's name", async () => {
  using server = await nameserver("127.0.0.68", zone({ "gateway.lan": undefined }));
  using silent = await nameserver("127.0.0.69", () => undefined);
  const ask = (...servers: { address: number }[]) =>
    resolveName("gateway", { ...nodes, nameservers: servers.map(({ address }) => address) });
  await assert.rejects(
    ask(server),
    /'gateway' cannot be resolved: asked for 'gateway\.lan', 127\.0\.0\.68 does not answer \(about other names/,
  );
  const began = performance.now();
  await assert.rejects(
    ask(silent),
    /'gateway' cannot be resolved: asked for 'gateway\.vpn\.svc\.cluster\.local', 127\.0\.0\.69 .*NetworkPolicy/,
  );
  assert.ok(performance.now() - began < 3_000, "not 2.1 s for each name");
  await nothingIsWaitedFor();
});

Deno.test("resolver: what cannot be a name with a search domain is asked for without it", async () => {
  const label = "a".repeat(60);
  const name = `${label}.${label}.${label}.example`;
  using server = await nameserver("127.0.0.70", zone({ [name]: "198.51.100.7" }));
  const search = [`${label}.example`];
  assert.deepEqual(await resolveName(name, { ...nodes, search, nameservers: [server.address] }), [
    parseIpv4("198.51.100.7"),
  ]);
  await assert.rejects(resolveName(`${label}${label}`, { ...nodes, nameservers: [server.address] }), /is not a name/);
});

/** Resolves when the thread that waits for sockets has ended, which is a moment after the last one was closed. */
async function nothingIsWaitedFor(): Promise<void> {
  using socket = UdpSocket.open({ address: parseIpv4("127.0.0.1") });
  const received = socket.receive();
  socket.send(Uint8Array.of(1), { address: parseIpv4("127.0.0.1"), port: socket.port });
  await received;
}
