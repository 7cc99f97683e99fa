/** A lease is written down, and with PGW_STATE_SYNC=always on the disk, before its client is told: strace holds the calls up. */
import assert from "node:assert/strict";
import { decodeJournal } from "../../../mod/dhcp/lease_store.ts";
import { fakeClock, setClock } from "../../lab/fake_clock.ts";
import type { GatewayPod } from "../../lab/gateway_pod.ts";
import type { Pod } from "../../lab/pod.ts";
import { startGateway } from "../../lab/roles.ts";
import { trace } from "../../lab/strace.ts";
import { labTests } from "../../lab/test.ts";
import { device } from "./dialogue.ts";
import { connect, leasesOf, macOf, withPods } from "./pods.ts";

const labTest = labTests();
const directory = "/run/pgw";
const journal = `${directory}/leases.jsonl`;
const writes = ["write", "pwrite64", "writev"];
const syncs = ["fsync", "fdatasync"];
const delayMs = 500;

/** Leases an address, or renews it; the milliseconds from the first DHCPREQUEST to the DHCPACK, as the gateway's device saw them. */
async function lease(client: Pod, gateway: GatewayPod, ...options: readonly string[]): Promise<number> {
  using capture = gateway.capture(device, ({ sourcePort }) => [67, 68].includes(sourcePort));
  await client.exec(["udhcpc", "-f", "-q", "-n", "-T", "10", "-i", device, "-s", "/bin/true", ...options]);
  const [, , request, ack] = capture.packets();
  assert.equal(capture.packets().length, 4);
  return ack!.at - request!.at;
}

/** How long it takes when nothing is held up: on a busy machine the first time may be slow. */
async function undelayed(client: Pod, gateway: GatewayPod): Promise<number> {
  return Math.min(await lease(client, gateway), await lease(client, gateway), await lease(client, gateway));
}

for (const sync of ["off", "always"]) {
  labTest(`the acknowledgement waits until the lease is written down (PGW_STATE_SYNC=${sync})`, async (lab) => {
    const gateway = lab.gateway(0);
    const pgw = await startGateway(gateway, { PGW_STATE_SYNC: sync });
    await withPods(lab, ["client"], async ({ client }) => {
      await connect(client, gateway.address.v4);
      const calls = [...writes, ...syncs];
      const seen = await trace(gateway, pgw, { paths: [journal], calls });
      assert.ok(await undelayed(client, gateway) < delayMs);
      assert.match(seen.output, /write\(\d+<\S+leases\.jsonl>/);
      assert.equal(/sync\(/.test(seen.output), sync === "always", seen.output);
      await seen.stop("SIGINT");
      for (const delayed of sync === "always" ? [writes, syncs] : [writes]) {
        const tracer = await trace(gateway, pgw, { paths: [journal], calls, delayed, delayMs });
        const took = await lease(client, gateway);
        await tracer.waitFor(/DELAYED/);
        assert.ok(took >= delayMs, `${took} ms, although ${delayed} took ${delayMs} ms\n${tracer.output}`);
        await tracer.stop("SIGINT");
      }
    });
  });
}

labTest(
  "with PGW_STATE_SYNC=always a journal is rewritten on the disk before it takes the former's place",
  async (lab) => {
    const gateway = lab.gateway(0);
    await withPods(lab, ["client"], async ({ client }) => {
      const before = await startGateway(gateway);
      await connect(client, gateway.address.v4);
      await lease(client, gateway);
      await before.stop("SIGKILL");
      // A lease that was renewed almost often enough for the journal to be rewritten.
      const path = `${gateway.runDirectory}/pgw/leases.jsonl`;
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).repeat(4_090));
      const pgw = await startGateway(gateway, { PGW_STATE_SYNC: "always" });
      const paths = [directory, journal, `${journal}.new`];
      const tracer = await trace(gateway, pgw, { paths, calls: [...syncs, "/^rename"] });
      for (let count = 0; count < 20 && !tracer.output.includes("rename"); count++) await lease(client, gateway);
      await tracer.waitFor(/fsync\(\d+<\/run\/pgw>/);
      await tracer.stop("SIGINT");
      assert.match(
        tracer.output,
        /fdatasync\(\d+<\S+leases\.jsonl\.new>[^]*rename\w*\([^]*leases\.jsonl\.new[^]*fsync\(\d+<\/run\/pgw>/,
      );
      assert.ok((await Deno.readTextFile(path)).split("\n").length < 100);
    });
  },
);

labTest(
  "a gateway that waited for another's directory knows what that one leased, and gives it to nobody else",
  async (lab) => {
    const [former, next] = [lab.gateway(0), lab.gateway(1)];
    const shared = await Deno.makeTempDir();
    try {
      const settings = { PGW_STATE_DIR: shared, PGW_DHCP_POOL: "20-21" };
      const leaving = await startGateway(former, settings);
      setClock(next, "+0");
      const waiting = await startGateway(next, { ...settings, ...fakeClock() });
      assert.ok(waiting.logs.some(({ message }) => /another process keeps its leases there/.test(String(message))));
      await withPods(lab, ["one", "two", "three"], async ({ one, two, three }) => {
        await connect(one, former.address.v4);
        await lease(one, former);
        const [acknowledged] = await leasesOf(former);
        await leaving.stop("SIGKILL");
        setClock(next, "+2");
        await Promise.all([two, three].map((pod) => connect(pod, next.address.v4)));
        await lease(two, next, "-r", acknowledged!.address);
        const bound = new Map((await leasesOf(next)).map(({ mac, address }) => [mac, address]));
        assert.equal(bound.get(acknowledged!.mac), acknowledged!.address);
        assert.notEqual(bound.get(await macOf(two)), acknowledged!.address);
        const { stdout } = await next.exec(["ip", "neigh", "show", "dev", device]);
        assert.ok(stdout.includes(`${acknowledged!.address} lladdr ${acknowledged!.mac}`), stdout);
        await assert.rejects(three.exec(["udhcpc", "-f", "-q", "-n", "-t", "2", "-T", "1", "-i", device]));
      });
      const { records } = decodeJournal(await Deno.readFile(`${shared}/leases.jsonl`));
      assert.equal(new Set(records.map(({ address }) => address)).size, 2);
    } finally {
      await Deno.remove(shared, { recursive: true });
    }
  },
);
