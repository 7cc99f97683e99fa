/**
 * A DHCP server in the middle of a storm, to be killed: clients come, renew and go; each acknowledgement is printed as
 * `ADDRESS CLIENT UNTIL` once it is committed, as if it left. Arguments: the state directory, and what PGW_STATE_SYNC is.
 */

import { formatIpv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac } from "../../mod/addr/mac.ts";
import { prefix4 } from "../../mod/addr/prefix.ts";
import { DhcpServer } from "../../mod/dhcp/server.ts";
import { LeaseFile } from "../../mod/runtime/lease_file.ts";
import { parse } from "../scenario/dhcp_text.ts";

const [directory = "", sync] = Deno.args;
const server = parseIpv4("172.29.0.1");
const file = LeaseFile.open(directory, { sync: sync === "always" });
const started = Date.now();
const dhcp = new DhcpServer(
  { address: server, network: prefix4(server, 22), clientRate: { perSecond: 1e6, burst: 1e6 } },
  file.takeRestored(),
  started,
);
file.compactFrom(dhcp);
const encoder = new TextEncoder();
console.log("ready");
while (Date.now() < started + 10_000) {
  const records = [];
  let acknowledged = "";
  for (let count = 0; count < 8; count++) {
    const number = Math.floor(Math.random() * 900);
    const chaddr = clientMac(0x0a000000 + number);
    const now = Date.now();
    const kind = Math.random() < 0.9 ? "DHCPDISCOVER rapid" : "DHCPDISCOVER";
    const outcome = dhcp.handle(parse(kind, { op: 1, xid: 1, chaddr }), now);
    records.push(...outcome.records);
    for (const { address, until } of outcome.records) acknowledged += `${formatIpv4(address)} ${number} ${until}\n`;
  }
  await file.commit(records);
  Deno.stdout.writeSync(encoder.encode(acknowledged));
}
