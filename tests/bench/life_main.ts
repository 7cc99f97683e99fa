/**
 * A day of many clients in a few minutes: probes and DNS questions to a gateway at a steady pace, until SIGTERM.
 *
 * `life_main.ts GATEWAY ZONE NAMES PER_SECOND` asks for as many probes as names each second, of NAMES names below ZONE, the
 * first of them more often than the last; at its end it tells how many it sent and how many were answered.
 */
import { encodeProbeQuestion, probeNonce } from "../../mod/health/probe.ts";

const [hostname = "", zone = "", names, perSecond] = Deno.args;
const probePort = 3150;
const tickMs = 4;
const counts = { probes: 0, probeAnswers: 0, questions: 0, answers: 0 };

const probes = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
const questions = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
count(probes, () => counts.probeAnswers++);
count(questions, () => counts.answers++);

const startedAt = performance.now();
setInterval(() => {
  const due = ((performance.now() - startedAt) / 1_000) * Number(perSecond);
  // A machine that was busy catches up later, not all at once.
  for (let burst = 0; counts.probes < due && burst < 40; burst++) {
    counts.probes++;
    send(probes, encodeProbeQuestion(probeNonce(Math.random)), probePort);
    counts.questions++;
    send(questions, question(Math.floor(Math.random() ** 3 * Number(names)), counts.questions), 53);
  }
}, tickMs);
Deno.addSignalListener("SIGTERM", () => {
  console.log(JSON.stringify(counts));
  Deno.exit(0);
});
console.log("ready");

function send(socket: Deno.DatagramConn, bytes: Uint8Array, port: number): void {
  socket.send(bytes, { transport: "udp", hostname, port }).catch(() => {}); // lost, as on any network
}

async function count(socket: Deno.DatagramConn, one: () => void): Promise<void> {
  for await (const _ of socket) one();
}

function question(name: number, id: number): Uint8Array {
  const labels = [`name-${name}`, ...zone.split(".")];
  const encoded = labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return new Uint8Array([id >> 8 & 0xff, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...encoded, 0, 0, 1, 0, 1]);
}
