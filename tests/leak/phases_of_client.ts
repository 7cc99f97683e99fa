/** What becomes of the client's process, and of what it goes by. */
import { fakeClock, setClock } from "../lab/fake_clock.ts";
import { names } from "../lab/lab.ts";
import { podCommands } from "../lab/topology.ts";
import { eventually, sleep, untilLeft, untilOpen } from "../lab/roles.ts";
import { killForMemory } from "./memory_limit.ts";
import type { Phase } from "./phase.ts";
import { leaseSeconds, type Scene } from "./scene.ts";
import { spareAddress } from "./watch.ts";

export const killed: Phase = {
  name: "the client is killed, and comes back",
  async run(scene, { dwellMs }) {
    await scene.pgw.stop("SIGKILL");
    await sleep(dwellMs);
    await scene.reopen();
    await scene.untilThrough(0);
  },
};

export const killedAtRandom: Phase = {
  name: "the client is killed at random instants",
  async run(scene, { kills, random }) {
    // What was open is taken over; without its device all is done anew.
    const takeDevice = () => scene.client.exec(["ip", "link", "delete", "vxlan3150"], { check: false });
    await scene.pgw.stop("SIGKILL");
    await takeDevice();
    const began = Date.now();
    await scene.reopen();
    const longest = 1.3 * (Date.now() - began);
    await scene.pgw.stop("SIGKILL");
    for (let kill = 0; kill < kills; kill++) {
      if (kill % 2 === 0) await takeDevice();
      scene.start();
      await sleep(random() * longest);
      await scene.pgw.stop("SIGKILL");
    }
    await scene.reopen();
    await scene.untilThrough(0);
    return `${kills} times, up to ${longest.toFixed(0)} ms after the start`;
  },
};

export const paused: Phase = {
  name: "the client is stopped (SIGSTOP), its gateway killed, and it goes on",
  async run(scene, { dwellMs }) {
    scene.pgw.kill("SIGSTOP");
    await sleep(dwellMs / 2);
    await scene.serving(0).stop("SIGKILL");
    await sleep(dwellMs);
    const from = scene.pgw.lines.length;
    scene.pgw.kill("SIGCONT");
    await untilLeft(scene.pgw, from);
    await scene.serve(0);
    await scene.untilThrough(0);
  },
};

export const outOfMemory: Phase = {
  name: "the client is killed for want of memory",
  async run(scene, { dwellMs }) {
    const how = await killForMemory(scene.pgw);
    await sleep(dwellMs);
    await scene.reopen();
    await scene.untilThrough(0);
    return how;
  },
};

export const expired: Phase = {
  name: "the client is dead, and its lease expires",
  async run(scene, { dwellMs }) {
    await scene.pgw.stop("SIGKILL");
    const address = ["ip", "-4", "-br", "addr", "show", "vxlan3150"];
    const isGone = async () => !(await scene.client.exec(address, { check: false })).stdout.includes("172.29.");
    await eventually("the kernel took the address away", isGone, 3_000 * leaseSeconds);
    await sleep(dwellMs);
    await scene.reopen();
    await scene.untilThrough(0);
  },
};

/** `start` leaves an open Pod open, for the next version to take over; `run` closes it. */
export const upgraded: Phase = {
  name: "pgw is upgraded in place: the old one stopped, another started",
  async run(scene, { dwellMs }) {
    for (const mode of ["start", "run"]) {
      await scene.pgw.stop("SIGTERM");
      await sleep(dwellMs / 2);
      await scene.reopen({ args: [mode, names.gateway] });
      await sleep(dwellMs / 2);
    }
    await scene.untilThrough(0);
  },
};

export const clockJumped: Phase = {
  name: "the clock jumps: +1 day, -1 day, +10 years",
  async run(scene, { dwellMs }) {
    const pods = [scene.client, scene.gateways[0]];
    const jump = (offset: string) => pods.forEach((pod) => setClock(pod, offset));
    jump("+0");
    await scene.pgw.stop("SIGKILL");
    await scene.serving(0).stop("SIGKILL");
    await scene.serve(0, fakeClock());
    await scene.reopen({ env: fakeClock() });
    for (const offset of ["+1d", "-1d", "+10y"]) {
      jump(offset);
      await sleep(dwellMs);
      // By now it has closed and opened again, or not; it does not stay closed.
      await scene.untilThrough(0);
    }
    await restoreClock(scene);
  },
};

async function restoreClock(scene: Scene): Promise<void> {
  await scene.pgw.stop("SIGKILL");
  await scene.serving(0).stop("SIGKILL");
  await scene.serve(0);
  await scene.reopen();
  await scene.untilThrough(0);
}

export const addressChanged: Phase = {
  name: "the Pod's own address changes, and back",
  async run(scene, { dwellMs }) {
    const { client } = scene;
    const { cni, mtu } = client.place;
    for (const address of [spareAddress, client.address]) {
      // Behind the tunnel's default route, which is there already.
      const commands = podCommands(cni, address, mtu).map((command) =>
        command.replace(/^route add default.*/, "$& metric 9")
      );
      await client.ip("addr flush dev eth0 scope global", ...commands);
      await sleep(dwellMs);
      await scene.untilThrough(0);
    }
  },
};

export const stopped: Phase = {
  name: "the client is told to stop",
  async run(scene, { dwellMs }) {
    await scene.pgw.stop("SIGTERM");
    await sleep(dwellMs);
    await untilOpen(scene.start());
  },
};
