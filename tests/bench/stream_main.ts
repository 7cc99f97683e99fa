/**
 * An app that sends numbered datagrams to an echo server (`echo_main.ts`) at a steady pace, until SIGTERM.
 *
 * `stream_main.ts ADDRESS PORT INTERVAL_MS` prints a {@link StreamLine} at the first answer that came by another way than the
 * one before, and all answers at its end.
 */
import type { Answer, StreamLine } from "./stream.ts";

const [hostname = "", port, interval] = Deno.args;
const server = { transport: "udp", hostname, port: Number(port) } as const;
const intervalMs = Number(interval);
const mostAtOnce = 20;

const socket = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
const sentAt: number[] = [];
const answers: Answer[] = [];
const now = () => performance.timeOrigin + performance.now();
const startedAt = now();

function send(): void {
  const datagram = new TextEncoder().encode(String(sentAt.length));
  sentAt.push(now());
  socket.send(datagram, server).catch(() => {}); // refused: that is no answer either
}

async function receive(): Promise<void> {
  for await (const [datagram] of socket) {
    const [source = "", number] = new TextDecoder().decode(datagram).split(" ");
    const answer = { number: Number(number), source, sentAt: sentAt[Number(number)] ?? 0, receivedAt: now() };
    if (answers.at(-1)?.source !== source) tell({ first: answer });
    answers.push(answer);
  }
}

function tell(line: StreamLine): void {
  console.log(JSON.stringify(line));
}

setInterval(() => {
  // Timers have a resolution of a millisecond or two: what came due since then is sent at once.
  for (let left = mostAtOnce; left > 0 && now() >= startedAt + sentAt.length * intervalMs; left--) send();
}, 1);
Deno.addSignalListener("SIGTERM", () => {
  tell({ sent: sentAt.length, answers });
  Deno.exit(0);
});
console.log("ready");
await receive();
