/**
 * Feeds damaged DHCP messages to the codec, the server and the client.
 *
 * `deno run --allow-read tests/fuzz/dhcp.ts [INPUTS] [SEED]`, by default 1,000,000 inputs. It fails on anything thrown
 * that is not a WireError, on a message that changes by encoding, on an input that takes over 50 ms of processor time,
 * on memory that grows, and when the inputs did not reach every byte of the header and every option code.
 */

import process from "node:process";
import { formatIpv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { prefix4 } from "../../mod/addr/prefix.ts";
import { type ClientState, startDhcpClient, step } from "../../mod/dhcp/client.ts";
import { DhcpServer } from "../../mod/dhcp/server.ts";
import { WireError } from "../../mod/wire/bytes.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { readDomainSearch, readIpv4List, readMaskLength, readName, readU8 } from "../../mod/wire/dhcpv4_options.ts";
import { clientDialogues, clients, readGolden, serverDialogues, servers } from "../golden/dhcp/golden.ts";
import { mac, seeded } from "../scenario/dhcp_dialogue.ts";

const headerLength = 240;
const slowest = 50;
const mostGrowth = 32 * 1024 * 1024;

/** Throws when something is wrong; the message holds the input. */
export function fuzzDhcp(inputs: number, seed: number): void {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const corpus = readGolden([...clients, ...servers, ...clientDialogues, ...serverDialogues]).map(({ bytes }) => bytes);

  /** Which bytes of the header were changed, which option codes came out of decoding, what the outcomes were. */
  const reached = { header: new Set<number>(), codes: new Set<number>(), outcomes: new Map<string, number>() };

  function mutate(original: Uint8Array): Uint8Array {
    let bytes = original.slice();
    const changes = 1 + below(4);
    for (let change = 0; change < changes; change++) {
      const at = below(2) === 0 ? below(headerLength) : below(bytes.length);
      switch (below(7)) {
        case 0:
          bytes[at] = below(256);
          break;
        case 1:
          bytes[at]! ^= 1 << below(8);
          break;
        case 2:
          bytes[at] = [0, 1, 52, 82, 127, 128, 254, 255][below(8)]!;
          break;
        case 3:
          bytes = bytes.slice(0, Math.max(1, bytes.length - below(40)));
          break;
        case 4:
          bytes = withOption(bytes);
          break;
        case 5:
          // Options in `sname` and `file`.
          if (bytes.length >= headerLength + 3) {
            bytes.set([52, 1, 1 + below(3)], headerLength);
            bytes.set([below(256), below(70), below(256)], 44 + below(180));
          }
          break;
        case 6:
          if (bytes.length > 28 + mac.length) bytes.set(mac, 28);
          break;
      }
      if (at < headerLength) reached.header.add(at);
    }
    return bytes;
  }

  /** With an option of any code and length in front of the others. */
  function withOption(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const length = below(8) === 0 ? below(256) : below(9);
    const value = Uint8Array.from({ length }, () => below(256));
    return Uint8Array.of(
      ...bytes.subarray(0, headerLength),
      below(256),
      below(20) === 0 ? below(256) : length,
      ...value,
      ...bytes.subarray(headerLength),
    );
  }

  const server = parseIpv4("172.29.0.1");
  const network = prefix4(server, 24);
  const config = { mac, network, server };
  const unlimited = { perSecond: 1e9, burst: 1e9 };
  const dhcp = new DhcpServer({ address: server, network, clientRate: unlimited, overallRate: unlimited }, [], 0);
  let state: ClientState = startDhcpClient(config, undefined, 0, random).state;

  function count(outcome: string): void {
    reached.outcomes.set(outcome, (reached.outcomes.get(outcome) ?? 0) + 1);
  }

  function check(bytes: Uint8Array, now: number): void {
    let message: DhcpMessage;
    try {
      message = decodeDhcp(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      count("undecodable");
      return;
    }
    for (const [code] of message.options) {
      reached.codes.add(code);
      readName(message.options, code);
      readIpv4List(message.options, code);
    }
    readDomainSearch(message.options);
    readMaskLength(message.options);
    checkRoundTrip(message);
    const { reply, event } = dhcp.handle(message, now);
    count(event.kind === "dropped" ? event.reason : event.kind);
    if (reply !== undefined) decodeDhcp(encodeDhcp(reply.message, reply.limits));
    const answer: DhcpMessage = below(2) === 0 ? message : { ...message, op: 2, xid: currentXid(), chaddr: mac };
    const next = step(state, { kind: "message", message: answer }, now, random);
    for (const effect of next.effects) {
      count(`client ${effect.kind}`);
      if (effect.kind === "bound" && (effect.lease.address & 0xffffff00) >>> 0 !== network.address) {
        throw new Error(`the client took ${formatIpv4(effect.lease.address)}`);
      }
    }
    state = next.state;
    // On to other states, and back to the first.
    if (below(50) === 0) state = step(state, { kind: "tick" }, now + below(100_000_000), random).state;
    if (below(50) === 0) state = startDhcpClient(config, { address: server + below(200) }, now, random).state;
  }

  function currentXid(): number {
    return "exchange" in state ? state.exchange.xid : 0;
  }

  function checkRoundTrip(message: DhcpMessage): void {
    const again = decodeDhcp(encodeDhcp(message, { maximum: 65_000 }));
    for (const [code, value] of message.options) {
      const other = again.options.get(code);
      if (other?.length !== value.length || value.some((byte, index) => byte !== other[index])) {
        throw new Error(`option ${code} changed by encoding`);
      }
    }
    if (again.options.size !== message.options.size || again.xid !== message.xid) {
      throw new Error("changed by encoding");
    }
    readU8(again.options, 53);
  }

  /** Processor time in milliseconds: others may be at work on the same machine. */
  function cpuTime(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }

  const started = performance.now();
  /** The least that was in use in each quarter of the run: what is waiting to be collected does not count. */
  const heap = [Infinity, Infinity, Infinity, Infinity];
  for (let input = 0; input < inputs; input++) {
    const bytes = mutate(corpus[below(corpus.length)]!);
    const before = performance.now();
    try {
      check(bytes, input * 10);
    } catch (error) {
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      throw new Error(`input ${input} of seed ${seed}: ${hex}`, { cause: error });
    }
    // Neither a garbage collection nor a busy machine is a property of an input: it is slow when it is slow by itself.
    if (performance.now() - before > slowest) {
      const again = cpuTime();
      check(bytes, input * 10);
      const took = cpuTime() - again;
      if (took > slowest) throw new Error(`input ${input} of seed ${seed} took ${took} ms`);
    }
    if (input % 5_000 === 0) {
      const quarter = Math.floor(4 * input / inputs);
      heap[quarter] = Math.min(heap[quarter]!, Deno.memoryUsage().heapUsed);
    }
  }
  const growth = heap[3]! - heap[1]!;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${inputs} inputs in ${seconds.toFixed(1)} s, heap ${
      (growth / 1024 / 1024).toFixed(1)
    } MiB more in the last quarter than in the second`,
  );
  console.log(Object.fromEntries([...reached.outcomes].sort()));
  if (growth > mostGrowth) throw new Error("memory grew");
  const leases = dhcp.leases(inputs * 10).length;
  if (leases > 254) throw new Error(`${leases} leases in a /24`);
  if (inputs >= 100_000) {
    if (reached.header.size !== headerLength) {
      throw new Error(`${reached.header.size} bytes of the header were changed`);
    }
    // All but pad, end, and overload, which decoding takes out.
    if (reached.codes.size !== 253) throw new Error(`${reached.codes.size} option codes were reached`);
  }
}

if (import.meta.main) fuzzDhcp(Number(Deno.args[0] ?? 1_000_000), Number(Deno.args[1] ?? Date.now() % 1_000_000));
