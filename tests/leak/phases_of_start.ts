/** From a Pod without a gateway to an open one, and what can be slow about it. */
import { setService } from "../lab/backbone.ts";
import { names } from "../lab/lab.ts";
import { scriptCommand } from "../lab/program.ts";
import { sleep, untilOpen } from "../lab/roles.ts";
import type { Phase } from "./phase.ts";

/** The Pod is closed, and stays so, until `connect`. */
export const slowStart: readonly Phase[] = [
  {
    name: "slow start: no gateway behind the Service",
    run: (_, { dwellMs }) => sleep(dwellMs),
  },
  {
    name: "slow start: the name does not resolve",
    async run(scene, { dwellMs }) {
      await scene.pgw.stop("SIGKILL");
      scene.start({ args: ["run", "nowhere.test.svc.cluster.local"] });
      await sleep(dwellMs);
    },
  },
  {
    name: "slow start: the name server is silent",
    async run(scene, { dwellMs }) {
      await scene.pgw.stop("SIGTERM");
      await scene.lab.cluster.setCable("down");
      scene.start();
      await sleep(dwellMs);
      await scene.lab.cluster.setCable("up");
    },
  },
  {
    name: "slow start: the gateway's HTTP is silent",
    async run({ lab }, { dwellMs }) {
      const silent = lab.stranger.spawn(scriptCommand("silent_main.ts", "3150"));
      await silent.waitFor(/^ready$/);
      await setService(lab.router, "gateway", [lab.stranger.address.v4]);
      await silent.waitFor(/^asked$/);
      await sleep(dwellMs);
      await lab.setEndpoints([]);
      await silent.stop();
    },
  },
  {
    name: "slow start: nothing comes through the tunnel",
    async run(scene, { dwellMs }) {
      const [gateway] = scene.gateways;
      await scene.serve(0);
      await gateway.iptables(4, "*raw\n-A PREROUTING -p udp --dport 4789 -j DROP\nCOMMIT\n");
      await scene.lab.setEndpoints([0]);
      await scene.pgw.waitForLog(({ message }) => String(message).startsWith("gateway found"), { timeoutMs: 40_000 });
      await sleep(dwellMs);
      await gateway.iptables(4, "*raw\n-D PREROUTING -p udp --dport 4789 -j DROP\nCOMMIT\n");
    },
  },
];

export const connect: Phase = {
  name: "connect, and open",
  async run(scene, { dwellMs }) {
    await scene.serve(0);
    await scene.lab.setEndpoints([0]);
    await untilOpen(scene.pgw);
    await scene.untilThrough(0);
    await sleep(dwellMs);
  },
};

export const init: Phase = {
  name: "`client init`, then `client start`",
  async run(scene, { dwellMs }) {
    await scene.pgw.stop("SIGTERM");
    const { code } = await scene.start({ args: ["init", names.gateway] }).end(40_000);
    if (code !== 0) throw new Error(`init ended with code ${code}`);
    await scene.untilThrough(0);
    await scene.reopen({ args: ["start", names.gateway] });
    await sleep(dwellMs);
    await scene.pgw.stop("SIGTERM");
    await scene.reopen();
  },
};
