/** Asks a DHCP server every 5 ms, as a relay, until it answers, and prints when: milliseconds since 1970. Arguments: the
 * addresses of the relay and of the server. */
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { encodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { parse } from "../../scenario/dhcp_text.ts";

const [relay = "", server = ""] = Deno.args;
const socket = Deno.listenDatagram({ transport: "udp", hostname: relay, port: 67 });
const chaddr = Uint8Array.of(2, 0, 0, 0, 0, 1);
const base = parse("DHCPDISCOVER", { op: 1, xid: 1, chaddr });
const discover = encodeDhcp({ ...base, giaddr: parseIpv4(relay) });
const ask = () => socket.send(discover, { transport: "udp", hostname: server, port: 67 }).catch(() => 0);
const timer = setInterval(ask, 5);
console.log("asking");
await socket.receive();
console.log(`answered ${performance.timeOrigin + performance.now()}`);
clearInterval(timer);
socket.close();
