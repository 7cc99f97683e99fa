import assert from "node:assert/strict";
import { cityOf } from "../internet.ts";
import type { Pod } from "../kubectl.ts";
import { eventually } from "../wait.ts";
import { type Client, service } from "../workloads.ts";
import type { Test, World } from "../world.ts";

export const reach: Test = {
  name: "outside through the VPN; Services, Pods and the API server around it; names of both sides; inbound answered",
  async run(world) {
    const results = await world.withoutLeak(() =>
      Promise.all(world.cluster.nodes.map((node, index) => {
        const client: Client = { name: `reach-${index}`, namespace: "apps", form: "sidecar", node, probed: true };
        return world.withClient(client, (pod) => check(world, pod));
      }))
    );
    return results.join(", ");
  },
};

async function check(world: World, pod: Pod): Promise<string> {
  const { source } = await world.answered(pod, 0, 10_000);
  const city = cityOf(source!);
  assert.ok(city, `the web server outside saw ${source}, which is not the VPN's`);

  const own = pod.status.podIP!;
  const get = async (url: string) => (await world.inApp(pod, "curl", "-sS", "-m", "5", url)).trim();
  assert.equal(await get("http://near.plain/"), own, "a Service sees the Pod itself");
  for (const name of ["near-0", "near-1"]) {
    const { status } = await world.kubectl.pod("plain", `app=${name}`);
    assert.equal(await get(`http://${status.podIP}:8080/`), own, "another Pod sees the Pod itself");
  }
  const api = await world.inApp(pod, "curl", "-sSk", "-m", "5", "https://kubernetes.default/version");
  assert.match(api, /"gitVersion"/);

  const resolvConf = await world.inApp(pod, "cat", "/etc/resolv.conf");
  assert.match(resolvConf, /^search apps\.svc\.cluster\.local svc\.cluster\.local cluster\.local$/m);
  assert.match(resolvConf, /^options ndots:5$/m);
  const lookup = async (name: string) => (await world.inApp(pod, "getent", "ahostsv4", name)).split(/\s+/)[0];
  const { spec } = await world.kubectl.json<{ spec: { clusterIP: string } }>(["get", "svc", "-n", "plain", "near"]);
  assert.equal(await lookup("near.plain"), spec.clusterIP);
  assert.equal(await lookup("near.plain.svc.cluster.local"), spec.clusterIP);
  assert.equal(await lookup("www.outside.test"), "203.0.113.10");

  await inbound(world, pod);
  return `${pod.spec.nodeName}: ${source} (${city})`;
}

/** Who comes from outside the cluster to a NodePort is answered the way it came. */
async function inbound(world: World, pod: Pod): Promise<void> {
  const app = pod.metadata.name.split("-").slice(0, 2).join("-");
  await world.kubectl.apply(
    service("apps", `${app}-in`, { app }, { type: "NodePort", externalTrafficPolicy: "Local" }),
  );
  type NodePort = { spec: { ports: { nodePort: number }[] } };
  const { spec } = await world.kubectl.json<NodePort>(["get", "svc", "-n", "apps", `${app}-in`]);
  const node = await world.kubectl.json<{ status: { addresses: { address: string }[] } }>([
    "get",
    "node",
    pod.spec.nodeName!,
  ]);
  const url = `http://${node.status.addresses[0]!.address}:${spec.ports[0]!.nodePort}/`;
  const seen = await eventually("the NodePort answers", 10_000, () => world.internet.exec(`curl -sS -m 2 ${url}`));
  assert.equal(seen.trim(), world.internet.address, "the application sees who asks");
}
