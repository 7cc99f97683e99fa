import assert from "node:assert/strict";
import { broadcast, parseIpv4, unspecified } from "../../../mod/addr/ipv4.ts";
import { broadcastMac, parseMac } from "../../../mod/addr/mac.ts";
import { encodeDhcpBroadcast } from "../../../mod/dhcp/client_frame.ts";
import { declineMessage, discoverMessage, renewMessage, requestMessage } from "../../../mod/dhcp/client_messages.ts";
import { type DhcpMessage, encodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { decodeEthernet } from "../../../mod/wire/ethernet.ts";
import { decodeIpv4 } from "../../../mod/wire/ipv4.ts";
import { decodeUdp } from "../../../mod/wire/udp.ts";

const mac = parseMac("02:78:0a:2a:00:05");
const transaction = { xid: 0x31503150, secs: 0 };
const [address, server] = [parseIpv4("172.29.0.20"), parseIpv4("172.29.0.1")];

const cases: readonly (readonly [name: string, message: DhcpMessage, source: number])[] = [
  ["a DHCPDISCOVER", discoverMessage({ mac }, transaction), unspecified],
  ["a DHCPREQUEST in SELECTING", requestMessage({ mac }, transaction, address, server), unspecified],
  ["a DHCPREQUEST in INIT-REBOOT", requestMessage({ mac }, transaction, address), unspecified],
  ["a DHCPREQUEST in REBINDING", renewMessage({ mac }, transaction, address), address],
  ["a DHCPDECLINE", declineMessage({ mac }, transaction, address, server), unspecified],
];

for (const [name, message, source] of cases) {
  Deno.test(`${name} to all comes from ${source === unspecified ? "0.0.0.0" : "its address"} (RFC 2131 section 4.1)`, () => {
    const frame = decodeEthernet(encodeDhcpBroadcast(message));
    assert.deepEqual([frame.source, frame.destination], [mac, broadcastMac]);
    const { payload, ...datagram } = decodeUdp(decodeIpv4(frame.payload));
    assert.deepEqual(datagram, { source, sourcePort: 68, destination: broadcast, destinationPort: 67 });
    assert.deepEqual(payload, encodeDhcp(message));
  });
}
