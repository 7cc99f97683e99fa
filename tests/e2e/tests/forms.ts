import assert from "node:assert/strict";
import { cityOf, webServer } from "../internet.ts";
import { containerStatus } from "../kubectl.ts";
import { eventually, sleep } from "../wait.ts";
import { type Client, gatewayService } from "../workloads.ts";
import type { Test, World } from "../world.ts";

const ask = ["curl", "-sS", "-m", "5", `http://${webServer}/`];

export const forms: Test = {
  name: "both client forms; a Job completes; a later init container is covered; the app waits for the tunnel",
  async run(world) {
    await world.withoutLeak(() =>
      Promise.all([
        classic(world),
        job(world),
        waits(world),
      ])
    );
    return "sidecar, classic, Job";
  },
};

function classic(world: World): Promise<void> {
  return world.withClient({ name: "classic", namespace: "apps", form: "classic" }, async (pod) => {
    const { source } = await world.answered(pod, 0, 10_000);
    assert.ok(cityOf(source!), `seen as ${source}`);
    assert.ok((await world.timeline(pod))[0]!.source, "its very first try had an answer");
  });
}

async function job(world: World): Promise<void> {
  const client: Client = {
    name: "job",
    namespace: "apps",
    form: "sidecar",
    kind: "Job",
    initCommand: ask,
    command: ask,
  };
  await world.applyClient(client);
  await world.kubectl.run(["wait", "-n", "apps", "job/job", "--for=condition=Complete", "--timeout=60s"]);
  const pod = await world.kubectl.pod("apps", "app=job");
  for (const container of ["mine", "app"]) {
    const source = (await world.kubectl.logs(pod, container)).trim();
    assert.ok(cityOf(source), `container ${container} was seen as '${source}'`);
  }
  await world.removeClient(client);
}

/** There is no gateway yet: the application does not run. Then there is one: its first packet takes the tunnel. */
async function waits(world: World): Promise<void> {
  const clients = (["sidecar", "classic"] as const).map((form): Client => ({
    name: `waits-${form}`,
    namespace: "apps",
    form,
    service: "jp-later.vpn.svc.cluster.local",
  }));
  for (const client of clients) await world.applyClient(client);
  const pod = (client: Client) => world.kubectl.pod("apps", `app=${client.name}`);
  await eventually("the clients run and find no gateway", 30_000, async () => {
    for (const client of clients) {
      const { state } = containerStatus(await pod(client), client.form === "sidecar" ? "pgw" : "pgw-init");
      assert.ok(state.running, `${client.name} does not run`);
    }
  });
  await sleep(3_000);
  for (const client of clients) {
    assert.ok(containerStatus(await pod(client), "app").state.waiting, `${client.name}: the app must not run yet`);
  }
  await world.kubectl.apply(gatewayService("jp-later", {}));
  for (const client of clients) {
    const [ready] = await world.kubectl.ready("apps", `app=${client.name}`, 1, 60_000);
    const first = await eventually("the app tries", 10_000, async () => {
      const [first] = await world.timeline(ready!);
      assert.ok(first);
      return first;
    });
    assert.ok(first.source !== undefined && cityOf(first.source), `its first try was seen as ${first.source}`);
    await world.removeClient(client);
  }
}
