/** What somebody with all rights may do to the Pod by hand, one thing at a time. */
import { linkKinds, type ProbeKind, probeKind } from "../lab/prober.ts";
import type { LogRecord } from "../lab/process.ts";
import { eventually, sleep } from "../lab/roles.ts";
import { internet, resolvConf, routerAddress } from "../lab/topology.ts";
import { flush } from "./iptables.ts";
import type { Phase } from "./phase.ts";
import type { Scene } from "./scene.ts";

/**
 * Until it is put back routing alone stands, which leaves the Pod's own link and local networks reachable. A question that
 * was led to the gateway is for an address that the gateway answers ARP for on its own interface, too.
 */
export const flushed: Phase = {
  name: "the firewall is flushed",
  async run(scene, { dwellMs }) {
    const from = scene.pgw.lines.length;
    const flushedAt = Date.now();
    await flush(scene.client, scene.iptables);
    const isPutBack = ({ change }: LogRecord) => /^ip6tables filter: .*jumps of OUTPUT/.test(String(change));
    const { timestamp } = await scene.pgw.waitForLog(isPutBack, { from, timeoutMs: 40_000 });
    const putBackAt = Number(timestamp);
    await sleep(dwellMs);
    await scene.untilThrough(0);
    const isNear = (kind: ProbeKind | undefined) =>
      kind !== undefined && (kind === "clusterDns" || kind === "boundDns4" || linkKinds.has(kind));
    const near = scene.watch.forgetUntil(putBackAt, (packet) => isNear(probeKind(packet)));
    return `put back after ${
      putBackAt - flushedAt
    } ms, meanwhile ${near} to the link, the gateway and the cluster's DNS`;
  },
};

export const deviceDeleted: Phase = {
  name: "the tunnel's interface is deleted",
  async run(scene, { dwellMs }) {
    await scene.client.ip("link delete vxlan3150");
    await sleep(dwellMs);
    await scene.untilThrough(0);
  },
};

/** While the Pod is open, and while it is closed. */
export const routed: Phase = {
  name: "routes and a rule are added",
  async run(scene, { dwellMs }) {
    await addRoutes(scene, dwellMs);
    await scene.serving(0).stop("SIGTERM");
    await addRoutes(scene, dwellMs);
    await scene.serve(0);
    await scene.untilThrough(0);
  },
};

async function addRoutes(scene: Scene, dwellMs: number): Promise<void> {
  const { client } = scene;
  const via = client.place.cni === "calico" ? "169.254.1.1" : routerAddress.v4;
  const via6 = client.place.cni === "calico" ? "fe80::1" : routerAddress.v6;
  const halves = ["0.0.0.0/1", "128.0.0.0/1"].map((half) => `${half} via ${via} dev eth0`);
  const halves6 = ["2000::/4", "3000::/4"].map((half) => `${half} via ${via6} dev eth0 onlink`);
  await client.ip(
    `route add default via ${via} dev eth0 metric 5`,
    `route add default via ${via6} dev eth0 metric 5 onlink`,
    `route add default via ${via} dev eth0 table 77`,
    `rule add from all lookup 77 priority 77`,
    ...[...halves, ...halves6].map((route) => `route add ${route}`),
  );
  await sleep(dwellMs);
  const isGone = async () =>
    !(await client.exec(["ip", "route", "show", "default", "metric", "5"])).stdout.includes("via");
  await eventually("the default route is taken away", isGone, 40_000);
  await client.ip(
    "rule delete priority 77",
    "route delete default table 77",
    ...[...halves, ...halves6].map((route) => `route delete ${route}`),
  );
}

export const resolvConfRewritten: Phase = {
  name: "resolv.conf is rewritten",
  async run(scene, { dwellMs }) {
    for (const text of [`nameserver ${internet.dns.v4}\n`, "nameserver 8.8.8.8\n", "", resolvConf]) {
      scene.client.setResolvConf(text);
      await scene.client.resolve("web.example.test");
      await sleep(dwellMs / 4);
    }
    const found = await scene.client.resolve("web.example.test");
    if (!found.includes(internet.web.v4)) throw new Error(`names do not resolve through the tunnel: ${found}`);
  },
};
