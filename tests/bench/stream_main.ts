/**
 * An app that sends numbered datagrams to an echo server (`echo_main.ts`) at a steady pace, until SIGTERM.
 *
 * `stream_main.ts ADDRESS PORT INTERVAL_MS` prints a {@link StreamLine} at the first answer that came by another way than the
 * one before, and all answers at its end.
 */
import { AF_INET, checked, libc, MSG_DONTWAIT, SOCK_DGRAM, SOCK_FLAGS } from "../lab/libc.ts";
import type { Answer, StreamLine } from "./stream.ts";

const [host = "", port = "", interval = ""] = Deno.args;
const intervalMs = Number(interval);
const socket = checked("socket", libc.socket(AF_INET, SOCK_DGRAM | SOCK_FLAGS, 0));
const server = new Uint8Array([
  AF_INET,
  0,
  Number(port) >> 8,
  Number(port) & 255,
  ...host.split(".").map(Number),
  ...new Uint8Array(8),
]);
const buffer = new Uint8Array(512);

const sentAt: number[] = [];
const answers: Answer[] = [];
const now = () => performance.timeOrigin + performance.now();
const startedAt = now();
const mostAtOnce = 20;

function send(): void {
  const bytes = new TextEncoder().encode(String(sentAt.length));
  sentAt.push(now());
  libc.sendto(socket, bytes, BigInt(bytes.length), MSG_DONTWAIT, server, server.length); // refused: that is an answer too
}

function receive(): void {
  for (;;) {
    const length = Number(libc.recvfrom(socket, buffer, BigInt(buffer.length), MSG_DONTWAIT, null, null));
    if (length < 0) return;
    const [source = "", number] = new TextDecoder().decode(buffer.subarray(0, length)).split(" ");
    const answer = { number: Number(number), source, sentAt: sentAt[Number(number)] ?? 0, receivedAt: now() };
    if (answers.at(-1)?.source !== source) tell({ first: answer });
    answers.push(answer);
  }
}

function tell(line: StreamLine): void {
  console.log(JSON.stringify(line));
}

const timer = setInterval(() => {
  receive();
  // Timers have a resolution of a millisecond or two: what came due since then is sent at once.
  for (let left = mostAtOnce; left > 0 && now() >= startedAt + sentAt.length * intervalMs; left--) send();
}, 1);
Deno.addSignalListener("SIGTERM", () => {
  clearInterval(timer);
  receive();
  tell({ sent: sentAt.length, answers });
  Deno.exit(0);
});
console.log("ready");
