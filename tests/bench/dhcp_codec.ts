/**
 * What a DHCP message, an exchange of four messages in the pure server, and a lease cost. What an exchange with the whole
 * program costs beside 65,000 leases, `deno task bench dhcp` tells.
 *
 * `deno run --allow-read --v8-flags=--expose-gc tests/bench/dhcp_codec.ts`
 *
 * Times are of the processor, not of the clock on the wall: others may be at work on the same machine.
 */

import process from "node:process";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac } from "../../mod/addr/mac.ts";
import { prefix4 } from "../../mod/addr/prefix.ts";
import type { LeaseRecord } from "../../mod/dhcp/lease_record.ts";
import { decodeJournal, encodeRecords } from "../../mod/dhcp/lease_store.ts";
import { DhcpServer } from "../../mod/dhcp/server.ts";
import { decodeDhcp, encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { ipv4Value, optionCodes, u8Value } from "../../mod/wire/dhcpv4_options.ts";
import { encodeUdpFrame } from "../../mod/wire/udp.ts";
import { clients, readGolden, servers } from "../golden/dhcp/golden.ts";

const server = parseIpv4("172.16.0.1");
const network = prefix4(server, 16);
const mac = clientMac(server);

/** Processor time of this process, its garbage collector included, in microseconds. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The median of several rounds, in microseconds for each call. */
function microseconds(calls: number, act: (index: number) => void): number {
  for (let index = 0; index < calls; index++) act(index);
  const rounds = Array.from({ length: 7 }, () => {
    const before = cpuTime();
    for (let index = 0; index < calls; index++) act(index);
    return (cpuTime() - before) / calls;
  });
  return rounds.sort((a, b) => a - b)[3]!;
}

function report(what: string, value: number, unit: string): void {
  console.log(`${what.padEnd(52)} ${value.toFixed(2).padStart(9)} ${unit}`);
}

const packets = readGolden([...clients, ...servers]).map(({ bytes }) => bytes);
const messages = packets.map((packet) => decodeDhcp(packet));
report("decode a message", microseconds(50_000, (index) => decodeDhcp(packets[index % packets.length]!)), "us");
report("encode a message", microseconds(50_000, (index) => encodeDhcp(messages[index % messages.length]!)), "us");
const datagram = {
  source: server,
  sourcePort: 67,
  destination: server + 20,
  destinationPort: 68,
  payload: packets[0]!,
};
report("its frame, with checksums", microseconds(50_000, () => encodeUdpFrame(datagram, mac, mac)), "us");

const [discoverPacket] = readGolden(["dhclient"]).map(({ bytes }) => bytes);
const discover = decodeDhcp(discoverPacket!);

function fresh(restored: readonly LeaseRecord[] = []): DhcpServer {
  const unlimited = { perSecond: 1e9, burst: 1e9 };
  return new DhcpServer({ address: server, network, clientRate: unlimited, overallRate: unlimited }, restored, 0);
}

/** DISCOVER, OFFER, REQUEST, ACK of client `number`, with the encoding and decoding on the server's side. */
function exchange(dhcp: DhcpServer, number: number, now: number): readonly LeaseRecord[] {
  const chaddr = clientMac(number);
  const withoutWish = new Map(discover.options);
  withoutWish.delete(optionCodes.requestedAddress);
  const asked = decodeDhcp(encodeDhcp({ ...discover, chaddr, options: withoutWish }));
  const offer = dhcp.handle(asked, now).reply!;
  encodeDhcp(offer.message, offer.limits);
  const options = new Map(withoutWish)
    .set(optionCodes.messageType, u8Value(3))
    .set(optionCodes.requestedAddress, ipv4Value(offer.message.yiaddr))
    .set(optionCodes.serverIdentifier, ipv4Value(server));
  const requested = decodeDhcp(encodeDhcp({ ...discover, chaddr, options }));
  const ack = dhcp.handle(requested, now);
  encodeDhcp(ack.reply!.message, ack.reply!.limits);
  return ack.records;
}

function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

const leaseCount = 65_000;
const few = fresh();
for (let number = 0; number < 100; number++) exchange(few, number, 0);
const before = memory();
const many = fresh();
for (let number = 0; number < leaseCount; number++) exchange(many, number, 0);
report("memory of 65,000 leases", memory() - before, "MiB");
// In turns, so that whatever else the machine does falls on both.
const turns = Array.from({ length: 9 }, () => [
  microseconds(3_000, (index) => exchange(few, index % 100, 1)),
  microseconds(3_000, (index) => exchange(many, (index * 7_919) % leaseCount, 1)),
]);
const [atFew = 0, atMany = 0] = [0, 1].map((which) => turns.map((turn) => turn[which]!).sort((a, b) => a - b)[4]!);
report("an exchange, 100 leases (the client's coding included)", atFew, "us");
report("an exchange, 65,000 leases", atMany, "us");
report("ratio, of this code alone: no sockets, no journal", atMany / atFew, "");

const journal = encodeRecords(many.records());
const started = cpuTime();
const again = fresh(decodeJournal(journal).records);
exchange(again, 3, 1);
report("restart with 65,000 leases to the first answer", (cpuTime() - started) / 1000, "ms");
