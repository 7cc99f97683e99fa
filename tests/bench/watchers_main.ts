/**
 * Many clients' watches of one gateway in one process, each as a client runs it, over real sockets through the tunnel.
 *
 * `watchers_main.ts DEVICE GATEWAY WATCHERS INTERVAL_MS PROBES` prints {@link WatchersResult} as JSON when so many probes are done.
 */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { decodeProbeAnswer, encodeProbeQuestion } from "../../mod/health/probe.ts";
import { answerWatch, startWatch, tickWatch, type Watch } from "../../mod/health/watch.ts";
import { type Datagram, UdpSocket } from "../../mod/linux/udp_socket.ts";
import { probePort } from "../../mod/netstate/names.ts";

/** `late`: probes that a second one had to be sent for. `longestMs`: from a probe to its answer. */
export type WatchersResult = {
  readonly probes: number;
  readonly late: number;
  readonly alarms: number;
  readonly longestMs: number;
};

if (import.meta.main) await main();

async function main(): Promise<void> {
  const [device = "", gateway = "", ...numbers] = Deno.args;
  const [watchers = 1, intervalMs = 300, wanted = 1] = numbers.map(Number);
  const socket = UdpSocket.open({ device, receiveBuffer: 1 << 20 });
  const to = { address: parseIpv4(gateway), port: probePort };
  const asked = new Map<string, { readonly watcher: number; readonly at: number }>();
  const watches: Watch[] = [];
  const timers: ReturnType<typeof setTimeout>[] = [];
  let [probes, late, alarms, longestMs] = [0, 0, 0, 0];

  const hear = ({ bytes }: Datagram) => {
    const { nonce } = decodeProbeAnswer(bytes);
    const question = asked.get(nonce);
    if (question === undefined) return;
    const now = performance.now();
    asked.delete(nonce);
    longestMs = Math.max(longestMs, now - question.at);
    watches[question.watcher] = answerWatch(watches[question.watcher]!, nonce, now);
    wait(question.watcher);
  };
  const tick = (watcher: number) => {
    // As a client does before each of its ticks.
    for (let datagram = socket.receiveNow(); datagram !== undefined; datagram = socket.receiveNow()) hear(datagram);
    const now = performance.now();
    const before = watches[watcher]!;
    const { watch, send, gone } = tickWatch(before, now, Math.random);
    watches[watcher] = gone ? startWatch(watch.config, now + intervalMs) : watch;
    if (gone) alarms++;
    if (send !== undefined) {
      probes++;
      if (before.unanswered.length > 0) late++;
      asked.set(send, { watcher, at: now });
      socket.send(encodeProbeQuestion(send), to);
    }
    wait(watcher);
  };
  const wait = (watcher: number) => {
    clearTimeout(timers[watcher]);
    const ms = Math.max(0, Math.ceil(watches[watcher]!.dueAt - performance.now()));
    timers[watcher] = setTimeout(() => tick(watcher), ms);
  };
  const config = { intervalMs, misses: 3 };
  for (let watcher = 0; watcher < watchers; watcher++) {
    watches[watcher] = startWatch(config, performance.now() + intervalMs * Math.random());
    wait(watcher);
  }
  while (probes < wanted) {
    const datagram = await socket.receive();
    if (datagram === undefined) break;
    hear(datagram);
  }
  const result: WatchersResult = { probes, late, alarms, longestMs };
  console.log(JSON.stringify(result));
  Deno.exit(0);
}
