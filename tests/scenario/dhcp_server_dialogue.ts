/** Timed dialogues of the server with scripted clients, as `dhcp_dialogue.ts` has those of the client. */

import assert from "node:assert/strict";
import { broadcast, formatIpv4, type Ipv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { formatMac, parseMac } from "../../mod/addr/mac.ts";
import { parseReservations, Reservations } from "../../mod/dhcp/reservations.ts";
import { DhcpServer, type DhcpServerConfig, type Outcome } from "../../mod/dhcp/server.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { mac, network, window } from "./dhcp_dialogue.ts";
import { missing, parse, words } from "./dhcp_text.ts";

/** One address for everybody: .20. */
export const one = { range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.20") } };
export const two = { range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.21") } };
/** Clients. */
export const first = "mac=02:78:00:00:00:01";
export const second = "mac=02:78:00:00:00:02";
export const third = "mac=02:78:00:00:00:03";

/** What may stand in the script of a server's dialogue, at a time. */
export type ServerMoment = {
  readonly client: {
    /** To the server. `mac=` and `xid=` say which client it is; without, it is always the same. */
    sends(line: string): void;
  };
  readonly server: {
    /** Its answer to what was sent last. `to=broadcast`, `to=172.29.0.20`, `to=relay:172.29.0.9`. */
    sends(pattern: string): void;
    /** It gave no answer to what was sent last, because. */
    isSilent(reason: string): void;
    /** What it wrote down because of what was sent last: `bound 172.29.0.20`, and the client's name if it has one. */
    writes(...records: string[]): void;
    /** The process is killed and started again from what was written down, with settings that were changed if need be. */
    restarts(changed?: Partial<DhcpServerConfig>): void;
    /** The frame of a stranger is seen. */
    sees(address: string, mac: string): void;
    /** It looks who is there of those that it wants to know of, and sees these: `mac=02:78:00:00:00:01`. */
    looks(...present: string[]): void;
    /** The file of reservations has this text from now on. */
    reserves(text: string): void;
    /** So many addresses are in these states. */
    counts(expected: Partial<ReturnType<DhcpServer["counts"]>>): void;
  };
};

export const serverAddress: Ipv4 = parseIpv4("172.29.0.1");

/** A test of the server against scripted clients. */
export function serverScenario(
  title: string,
  config: Partial<DhcpServerConfig>,
  script: (at: (when: string) => ServerMoment) => void,
): void {
  Deno.test(`dhcp server: ${title}`, () => {
    const whole: DhcpServerConfig = { address: serverAddress, network: network("172.29.0.0/24"), ...config };
    const journal: Outcome["records"][number][] = [];
    let server = new DhcpServer(whole, [], 0);
    let last: { reply: DhcpMessage | undefined; outcome: Outcome } | undefined;
    const outcome = () => last?.outcome ?? assert.fail("nothing was sent yet");
    script((when) => {
      const { from: now } = window(when);
      return {
        client: {
          sends: (line) => {
            const request = parse(line, { op: 1, xid: 7, chaddr: mac });
            const result = server.handle(decodeDhcp(encodeDhcp(request)), now);
            journal.push(...result.records);
            const { reply } = result;
            last = {
              outcome: result,
              reply: reply && decodeDhcp(encodeDhcp(reply.message, reply.limits)),
            };
            if (last.reply !== undefined) {
              assert.equal(last.reply.op, 2);
              assert.equal(last.reply.xid, request.xid);
              assert.deepEqual(last.reply.chaddr, request.chaddr);
            }
          },
        },
        server: {
          sends: (pattern) => {
            const { reply, event } = outcome();
            assert(last?.reply !== undefined && reply !== undefined, `at ${when} no answer: ${JSON.stringify(event)}`);
            const { destination } = reply;
            const to = destination.kind === "relay"
              ? `to=relay:${formatIpv4(destination.address)}`
              : `to=${destination.address === broadcast ? "broadcast" : formatIpv4(destination.address)}`;
            if (destination.kind === "frame") assert.deepEqual(destination.mac, reply.message.chaddr);
            const present = [...words(last.reply), to];
            assert.deepEqual(missing(pattern, present), [], `at ${when} the server sends: ${present.join(" ")}`);
          },
          isSilent: (reason) => {
            const { reply, event } = outcome();
            assert.equal(reply, undefined);
            assert.equal(event.kind === "dropped" ? event.reason : event.kind, reason);
          },
          writes: (...records) => {
            const written = outcome().records.map(({ state, address, hostName }) =>
              `${state} ${formatIpv4(address)}${hostName === undefined ? "" : ` ${hostName}`}`
            );
            assert.deepEqual(written, records);
          },
          restarts: (changed = {}) => {
            server = new DhcpServer({ ...whole, ...changed }, journal, now);
          },
          sees: (address, chaddr) => {
            const record = server.observe(parseIpv4(address), parseMac(chaddr), now);
            if (record !== undefined) journal.push(record);
          },
          looks: (...present) => {
            const wanted = server.nextHolders(now).map((chaddr) => `mac=${formatMac(chaddr)}`);
            // Whoever was not asked about is better believed to be there.
            const isPresent = (mac: string) => present.includes(mac) || !wanted.includes(mac);
            journal.push(...server.look((chaddr, after) => isPresent(`mac=${formatMac(chaddr)}`) && now > after, now));
          },
          reserves: (text) => {
            const { reservations, problems } = parseReservations(text, whole.network, serverAddress);
            assert.deepEqual(problems, []);
            server.reserve(new Reservations(reservations));
          },
          counts: (expected) => {
            assert.deepEqual({ ...server.counts(now), ...expected }, server.counts(now));
          },
        },
      };
    });
    const holders = server.leases(Infinity).map(({ address, chaddr }) => `${formatIpv4(address)} ${formatMac(chaddr)}`);
    assert.equal(new Set(holders).size, holders.length);
  });
}
