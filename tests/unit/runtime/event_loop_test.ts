import assert from "node:assert/strict";
import { EventLoop, type MachineStep, now } from "../../../mod/runtime/event_loop.ts";

type Event = "tick" | string;

/** A machine whose state is what happened, and which does what `react` says. */
function loopOf(react: (event: Event, at: number) => Partial<MachineStep<string[], string>>) {
  const performed: string[] = [];
  const changes: number[] = [];
  const loop: EventLoop<string[], Event, string> = new EventLoop({
    first: { state: [] as string[], effects: ["first"], wakeAt: Infinity },
    tick: "tick",
    step: (state, event, at) => ({
      state: [...state, event],
      effects: [],
      wakeAt: Infinity,
      ...react(event, at),
    }),
    perform: (effect) => {
      performed.push(effect);
      if (effect.startsWith("post ")) loop.post(effect.slice(5));
    },
    changed: (state) => changes.push(state.length),
  });
  return { loop, performed, changes };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("event loop: the first step's effects are done when it starts", () => {
  const { loop, performed, changes } = loopOf(() => ({}));
  assert.deepEqual(performed, []);
  loop.start();
  assert.deepEqual([performed, changes], [["first"], [0]]);
  loop.close();
});

Deno.test("event loop: an event from an effect waits until the step's other effects are done", () => {
  const { loop, performed, changes } = loopOf((event) => {
    if (event === "a") return { effects: ["post b", "post c", "rest of a"] };
    return { effects: [`did ${event}`] };
  });
  loop.start();
  loop.post("a");
  assert.deepEqual(performed, ["first", "post b", "post c", "rest of a", "did b", "did c"]);
  assert.deepEqual(loop.state, ["a", "b", "c"]);
  assert.deepEqual(changes, [0, 1, 2, 3]);
  loop.close();
});

Deno.test("event loop: a tick comes when the step wants it, and not before", async () => {
  const times: number[] = [];
  const { loop } = loopOf((event, at) => {
    times.push(at);
    return { wakeAt: event === "begin" ? at + 40 : Infinity };
  });
  loop.start();
  loop.post("begin");
  await sleep(15);
  assert.deepEqual(loop.state, ["begin"]);
  while (loop.state.length < 2) await sleep(5);
  await sleep(30);
  assert.deepEqual(loop.state, ["begin", "tick"], "and only one");
  assert(times[1]! - times[0]! >= 39, `${times[1]! - times[0]!} ms`);
  loop.close();
});

Deno.test("event loop: a time that has gone by is a tick soon, one that is far away is none", async () => {
  const { loop } = loopOf((event, at) => ({ wakeAt: event === "past" ? at - 1_000 : at + 1e12 }));
  loop.start();
  loop.post("past");
  while (loop.state.length < 2) await sleep(1);
  await sleep(20);
  assert.deepEqual(loop.state, ["past", "tick"]);
  loop.close();
});

Deno.test("event loop: each step's wish replaces the one before", async () => {
  const { loop } = loopOf((event, at) => ({ wakeAt: event === "soon" ? at + 10 : Infinity }));
  loop.start();
  loop.post("soon");
  loop.post("never");
  await sleep(30);
  assert.deepEqual(loop.state, ["soon", "never"]);
  loop.close();
});

Deno.test("event loop: once closed it takes nothing and leaves no timer", async () => {
  const { loop } = loopOf((event, at) => ({ wakeAt: event === "soon" ? at + 5 : Infinity, effects: ["post late"] }));
  loop.start();
  loop.close();
  loop.post("soon");
  await sleep(15);
  assert.deepEqual(loop.state, []);
});

Deno.test("event loop: closed by an effect, it does not go on with what waits", () => {
  const performed: string[] = [];
  const loop: EventLoop<number, Event, string> = new EventLoop({
    first: { state: 0, effects: [], wakeAt: Infinity },
    tick: "tick",
    step: (state) => ({ state: state + 1, effects: ["post", "close"], wakeAt: now() + 5 }),
    perform: (effect) => {
      performed.push(effect);
      if (effect === "post") loop.post("again");
      else loop.close();
    },
    changed: () => {},
  });
  loop.start();
  loop.post("begin");
  assert.deepEqual([loop.state, performed], [1, ["post", "close"]]);
});

Deno.test("event loop: its clock is the time of day, and does not run backwards", () => {
  assert(Math.abs(now() - Date.now()) < 60_000);
  const times = Array.from({ length: 1000 }, now);
  assert(times.every((time, index) => index === 0 || time >= times[index - 1]!));
});
