/** Sends one DNS question in another host's name. `reflect_main.ts SOURCE SERVER NAME` */
import { RawSender, udpPacket } from "./forge.ts";
import { query } from "./message.ts";

const [source = "", server = "", name = ""] = Deno.args;
new RawSender(server).send(udpPacket({ address: source, port: 5353 }, { address: server, port: 53 }, query(name, 7)));
