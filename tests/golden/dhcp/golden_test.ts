import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { prefix4 } from "../../../mod/addr/prefix.ts";
import { readLease } from "../../../mod/dhcp/lease.ts";
import { DhcpServer } from "../../../mod/dhcp/server.ts";
import { decodeDhcp, encodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { optionCodes, readIpv4 } from "../../../mod/wire/dhcpv4_options.ts";
import { clientDialogues, clients, readGolden, serverDialogues, servers } from "./golden.ts";
import { words } from "../../scenario/dhcp_text.ts";

const server = parseIpv4("172.29.0.1");
const network = prefix4(server, 24);

for (
  const { program, type, state, bytes } of readGolden([...clients, ...servers, ...clientDialogues, ...serverDialogues])
) {
  Deno.test(`golden: ${program}'s ${type}${state === undefined ? "" : `, ${state},`} is decoded, and encoded to the same bytes`, () => {
    const message = decodeDhcp(bytes);
    assert.equal(words(message)[0], type);
    assert.deepEqual(encodeDhcp(message, { minimum: bytes.length, maximum: bytes.length }), bytes);
  });
}

for (const { program, type, bytes } of readGolden(servers)) {
  Deno.test(`golden: ${program}'s ${type} is a lease`, () => {
    const message = decodeDhcp(bytes);
    const lease = readLease(message, {}, 0, () => 0);
    assert.equal(lease?.address, message.yiaddr);
    assert.equal(lease?.server, server);
    assert.equal(lease?.prefixLength, 24);
    assert.equal(lease?.router, server);
    assert.deepEqual([lease?.renewAt, lease?.rebindAt, lease?.expiresAt], [21_600_000, 37_800_000, 43_200_000]);
  });
}

for (const program of clients) {
  Deno.test(`golden: ${program} is served`, () => {
    const dhcp = new DhcpServer({ address: server, network, mtu: 1370 }, [], 0);
    for (const { type, bytes } of readGolden([program])) {
      const message = decodeDhcp(bytes);
      const { reply, event } = dhcp.handle(message, 0);
      const answer = reply && decodeDhcp(encodeDhcp(reply.message, reply.limits));
      switch (type) {
        case "DHCPDISCOVER":
          assert.equal(words(answer!)[0], "DHCPOFFER");
          break;
        case "DHCPREQUEST":
          assert.equal(words(answer!)[0], "DHCPACK");
          assert.equal(answer!.yiaddr, readIpv4(message.options, optionCodes.requestedAddress));
          break;
        case "DHCPRELEASE":
          assert.equal(event.kind, "released");
          break;
      }
    }
  });
}

for (const { program, type, state, bytes } of readGolden(clientDialogues)) {
  Deno.test(`golden: ${program}'s ${state ?? type} is understood by a server that gave it a lease`, () => {
    const message = decodeDhcp(bytes);
    const { chaddr, options } = message;
    const clientId = options.get(optionCodes.clientIdentifier);
    const requested = readIpv4(options, optionCodes.requestedAddress);
    // What tells the states apart (RFC 2131 table 4). Who renews and who rebinds differ in where they send it.
    const isInCiaddr = state === "RENEWING" || state === "REBINDING" || type === "DHCPRELEASE";
    assert.deepEqual([requested === undefined, message.ciaddr !== 0], [isInCiaddr, isInCiaddr]);
    if (type === "DHCPREQUEST") assert.ok(!options.has(optionCodes.serverIdentifier));
    const address = requested ?? message.ciaddr;
    const lease = { address, state: "bound", chaddr, until: 1_000, ...(clientId && { clientId }) } as const;
    const dhcp = new DhcpServer({ address: server, network, mtu: 1370 }, [lease], 0);
    const { event, reply } = dhcp.handle(message, 0);
    const kinds: Readonly<Record<string, string>> = { DHCPRELEASE: "released", DHCPDECLINE: "declined" };
    assert.equal(event.kind, kinds[type] ?? "renewed");
    assert.equal(reply?.message.yiaddr, type === "DHCPREQUEST" ? address : undefined);
  });
}

for (const { program, type, bytes } of readGolden(serverDialogues)) {
  Deno.test(`golden: ${program}'s ${type} is what a client needs to know`, () => {
    const message = decodeDhcp(bytes);
    assert.equal(readIpv4(message.options, optionCodes.serverIdentifier), server);
    const lease = readLease(message, {}, 0, () => 0);
    if (type === "DHCPNAK") assert.equal(lease, undefined);
    else assert.ok(lease !== undefined && lease.address === message.yiaddr && lease.expiresAt > 0);
  });
}
