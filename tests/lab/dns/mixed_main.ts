/**
 * An app that looks up names of all kinds, at a steady pace, and does not care for answers. `mixed_main.ts SERVER COUNT`
 *
 * Names from outside end in example.test, those of the cluster in cluster.local or 10.in-addr.arpa; a third kind are names
 * from outside with a search domain behind them, which are the cluster's.
 */
import { query } from "./message.ts";

const [hostname = "", count] = Deno.args;
const socket = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
const kinds = [
  (n: number) => `o${n}.example.test`,
  (n: number) => `c${n}.test.svc.cluster.local`,
  (n: number) => `o${n}.example.test.svc.cluster.local`,
  (n: number) => `${n % 250}.${n >> 8}.43.10.in-addr.arpa`,
  (n: number) => `O${n}.Example.TEST`,
];

for (let n = 0; n < Number(count); n++) {
  await socket.send(query(kinds[n % kinds.length]!(n), n), { hostname, port: 53, transport: "udp" }).catch(() => {}); // closed just now
  if (n % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 30));
}
socket.close();
