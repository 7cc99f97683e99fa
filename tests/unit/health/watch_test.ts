import assert from "node:assert/strict";
import {
  answerWatch,
  patienceMs,
  startWatch,
  tickWatch,
  type Watch,
  type WatchConfig,
} from "../../../mod/health/watch.ts";
import { seeded } from "../../scenario/dhcp_dialogue.ts";

const permissions = "none";
const config: WatchConfig = { intervalMs: 10_000, misses: 3 };

/** Ticks exactly when due until the gateway counts as gone; the times of probes and of the end. */
function untilGone(config: WatchConfig): { readonly probes: number[]; readonly goneAt: number } {
  const random = seeded(1);
  const probes: number[] = [];
  let watch = startWatch(config, 0);
  for (let steps = 0; steps < 1000; steps++) {
    const now = watch.dueAt;
    const step = tickWatch(watch, now, random);
    if (step.gone) return { probes, goneAt: now };
    if (step.send !== undefined) probes.push(now);
    watch = step.watch;
  }
  throw new Error("it never counts as gone");
}

Deno.test("watch: probes follow fast after a miss", { permissions }, () => {
  assert.deepEqual(untilGone(config), { probes: [0, 200, 400], goneAt: 600 });
  assert.deepEqual(untilGone({ intervalMs: 300, misses: 3 }), { probes: [0, 150, 300], goneAt: 450 });
  assert.deepEqual(untilGone({ intervalMs: 50, misses: 5 }), { probes: [0, 25, 50, 75, 100], goneAt: 125 });
  assert.deepEqual(untilGone({ intervalMs: 10_000, misses: 1 }), { probes: [0], goneAt: 200 });
});

Deno.test("watch: an answer to any of the probes since the last one counts", { permissions }, () => {
  const random = seeded(1);
  const first = tickWatch(startWatch(config, 0), 0, random);
  const second = tickWatch(first.watch, 200, random);
  const answered = answerWatch(second.watch, first.send!, 250);
  assert.deepEqual(answered, startWatch(config, 10_250));
  assert.equal(answerWatch(answered, second.send!, 300), answered, "a second one changes nothing");
  assert.equal(answerWatch(second.watch, "0000000000000000", 250), second.watch);
});

Deno.test("watch: before its time nothing is sent", { permissions }, () => {
  const watch = startWatch(config, 1_000);
  assert.deepEqual(tickWatch(watch, 999.9, seeded(1)), { watch, gone: false });
});

Deno.test(
  "watch: a process that was woken late has not listened; the probe gets its time once more",
  { permissions },
  () => {
    const random = seeded(1);
    const sent = tickWatch(startWatch({ ...config, misses: 1 }, 0), 0, random).watch;
    const late = tickWatch(sent, 5_000, random);
    assert.deepEqual([late.gone, late.send, late.watch.dueAt], [false, undefined, 5_200]);
    assert.equal(tickWatch(late.watch, 9_000, random).gone, true, "but not for ever");
  },
);

/**
 * A gateway that answers within 5 ms, and a process on a busy machine: each time that it sleeps it is woken late, by up
 * to a second, and sees timers before the answers that wait in its socket.
 */
function falseAlarms(config: WatchConfig, probes: number, lateness: () => number): number {
  const random = seeded(7);
  let watch: Watch = startWatch(config, 0);
  let now = 0;
  let alarms = 0;
  let answer: { readonly at: number; readonly nonce: string } | undefined;
  for (let sent = 0; sent < probes;) {
    const wakeAt = answer === undefined ? watch.dueAt : Math.min(watch.dueAt, answer.at);
    now = Math.max(now, wakeAt) + lateness();
    if (now >= watch.dueAt) {
      const step = tickWatch(watch, now, random);
      watch = step.watch;
      if (step.gone) {
        alarms++;
        watch = startWatch(config, now);
      }
      if (step.send !== undefined) {
        sent++;
        answer = { at: now + 5, nonce: step.send };
      }
    }
    if (answer !== undefined && now >= answer.at) {
      watch = answerWatch(watch, answer.nonce, now);
      answer = undefined;
    }
  }
  return alarms;
}

Deno.test("watch: no false alarm in 10^5 probes on a machine that wakes the process up to a second late", {
  permissions,
}, () => {
  for (const config of [{ intervalMs: 10_000, misses: 3 }, { intervalMs: 300, misses: 3 }]) {
    const random = seeded(3);
    const lateness = () => random() < 0.5 ? random() * 2 : random() < 0.9 ? random() * 60 : random() * 1_000;
    assert.equal(falseAlarms(config, 100_000, lateness), 0, JSON.stringify(config));
  }
});

Deno.test(
  "watch: a gateway is known to be gone within interval + 1 s, even by a process that is late",
  { permissions },
  () => {
    assert(patienceMs(config) * config.misses * 2 <= 1_200);
    assert(untilGone(config).goneAt <= 1_000);
    assert(untilGone({ intervalMs: 300, misses: 3 }).goneAt <= 1_000);
  },
);
