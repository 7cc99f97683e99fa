/** What the gateway does, and what becomes of it. */
import type { LogRecord } from "../lab/process.ts";
import { eventually, sleep, untilClosed, untilLeft, untilOpen } from "../lab/roles.ts";
import type { Phase } from "./phase.ts";
import { leaseSeconds, type Scene } from "./scene.ts";

export const renew: Phase = {
  name: "the lease is renewed",
  async run(scene) {
    const from = scene.serving(0).lines.length;
    const isRenewal = ({ message }: LogRecord) => String(message).includes(" renewed: ");
    await scene.serving(0).waitForLog(isRenewal, { from, timeoutMs: 3_000 * leaseSeconds });
  },
};

function ended(name: string, signal: Deno.Signal): Phase {
  return {
    name,
    async run(scene, { dwellMs }) {
      const from = scene.pgw.lines.length;
      await scene.serving(0).stop(signal);
      await untilLeft(scene.pgw, from);
      await sleep(dwellMs);
      await scene.serve(0);
      await scene.untilThrough(0);
    },
  };
}

export const reconnect = ended("the gateway stops, and comes back: reconnect", "SIGTERM");
export const gatewayKilled = ended("the gateway is killed, and comes back", "SIGKILL");

export const moved: Phase = {
  name: "the gateway's node dies: moved to another, and back",
  async run(scene, { dwellMs }) {
    await scene.serve(1);
    await move(scene, 0, 1);
    await sleep(dwellMs);
    await move(scene, 1, 0);
  },
};

async function move(scene: Scene, left: 0 | 1, taken: 0 | 1): Promise<void> {
  const from = scene.pgw.lines.length;
  await scene.gateways[left].setCable("down");
  await untilClosed(scene.pgw, from);
  await scene.lab.setEndpoints([taken]);
  await untilOpen(scene.pgw, from);
  await scene.untilThrough(taken);
  await scene.gateways[left].setCable("up");
}

export const drained: Phase = {
  name: "the gateway is drained while another is there",
  async run(scene, { dwellMs }) {
    await scene.serve(1);
    await scene.lab.setEndpoints([1]);
    await scene.serving(0).stop("SIGTERM");
    await scene.untilThrough(1);
    await sleep(dwellMs);
    await scene.serve(0);
    await scene.lab.setEndpoints([0]);
    await scene.serving(1).stop("SIGTERM");
    await scene.untilThrough(0);
  },
};

export const vpnDown: Phase = {
  name: "the gateway answers, but its VPN is down",
  async run(scene, { dwellMs }) {
    await scene.gateways[0].disconnectVpn();
    await sleep(dwellMs);
    await scene.gateways[0].connectVpn();
    await scene.untilThrough(0);
  },
};

export const vpnSilent: Phase = {
  name: "the gateway answers, but nothing comes through its VPN",
  async run(scene, { dwellMs }) {
    await scene.gateways[0].setVpnSilent(true);
    await sleep(dwellMs);
    await scene.gateways[0].setVpnSilent(false);
    await scene.untilThrough(0);
  },
};

export const leasedAnew: Phase = {
  name: "the gateway leases another address",
  async run(scene, { dwellMs }) {
    const address = async () =>
      (await scene.client.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"], {
        check: false,
      })).stdout;
    await scene.serving(0).stop("SIGKILL");
    await scene.gateways[0].exec(["sh", "-c", "rm -rf /run/pgw/*"]);
    await scene.serve(0, { PGW_DHCP_POOL: "200-210" });
    await eventually("another address", async () => /172\.29\.0\.2[01]\d\//.test(await address()), 40_000);
    await scene.untilThrough(0);
    await sleep(dwellMs);
  },
};
