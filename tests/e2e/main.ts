/**
 * `deno task e2e`: the program in a real cluster. Two nodes, gateways of two cities on both, and beside the cluster an
 * "internet" that they reach by OpenVPN.
 *
 *   --keep          leaves the cluster
 *   --cluster NAME  uses the kind cluster NAME, and leaves it
 *   --only PATTERN  runs the tests whose name matches the regular expression
 *   --prepare       builds the images, if they are older than their sources, and ends
 */

import { parseArgs } from "node:util";
import { createCluster, deleteCluster, loadImage, openCluster } from "./cluster.ts";
import { diagnose } from "./diagnose.ts";
import { build, isFresh, outsideImage, programImage } from "./image.ts";
import { Internet } from "./internet.ts";
import { tests } from "./tests/all.ts";
import { provideTools } from "./tools.ts";
import { type Test, World } from "./world.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    keep: { type: "boolean", default: false },
    cluster: { type: "string" },
    only: { type: "string", default: "" },
    prepare: { type: "boolean", default: false },
  },
});

const folder = new URL("../../dist/e2e/", import.meta.url).pathname;
const name = options.cluster ?? `pgw-e2e-${Math.random().toString(36).slice(2, 8)}`;
const kubeconfig = `${folder}${name}.kubeconfig`;
const leave = options.keep || options.cluster !== undefined;

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = Date.now();
  const result = await work();
  console.log(`-    ${what} (${seconds(start)})`);
  return result;
}

async function prepare(): Promise<void> {
  for (const image of [await programImage(), outsideImage]) {
    if (!await isFresh(image)) await step(`built ${image.name}`, () => build(image));
  }
}

/** Whether `test` passed. */
async function passes(test: Test, world: World): Promise<boolean> {
  const start = Date.now();
  try {
    const detail = await test.run(world);
    console.log(`ok   ${test.name} (${seconds(start)})\n       ${detail}`);
    return true;
  } catch (error) {
    await tellFailure(`${test.name} (${seconds(start)})`, error, world.internet);
    return false;
  }
}

async function tellFailure(what: string, error: unknown, internet: Internet | undefined): Promise<void> {
  const reason = error instanceof Error ? error.message : String(error);
  console.log(`FAIL ${what}\n       ${reason}`);
  console.log(await diagnose(kubeconfig, internet, reason));
}

async function runAll(): Promise<boolean> {
  await Deno.mkdir(folder, { recursive: true });
  let internet: Internet | undefined;
  try {
    const cluster = await step(
      `cluster ${name}`,
      () => options.cluster === undefined ? createCluster(name, kubeconfig) : openCluster(name, kubeconfig),
    );
    await step("images", async () => {
      for (const image of [await programImage(), outsideImage]) await loadImage(cluster, image);
    });
    internet = await step("the internet", () => Internet.start(cluster));
    const world = new World(cluster, internet);
    await step("gateways", () => world.populate());
    const chosen = tests.filter((test) => new RegExp(options.only).test(test.name));
    let passed = 0;
    for (const test of chosen) if (await passes(test, world)) passed++;
    console.log(`${passed} passed, ${chosen.length - passed} failed`);
    return passed === chosen.length;
  } catch (error) {
    await tellFailure("set-up", error, internet);
    return false;
  } finally {
    if (!leave) await cleanUp(internet);
  }
}

async function cleanUp(internet: Internet | undefined): Promise<void> {
  await internet?.stop();
  await deleteCluster(name, kubeconfig);
}

await prepare();
if (!options.prepare) {
  await provideTools();
  Deno.addSignalListener("SIGINT", () => {
    console.log(leave ? "interrupted" : `interrupted; deleting cluster ${name}`);
    (leave ? Promise.resolve() : cleanUp(undefined)).finally(() => Deno.exit(130));
  });
  Deno.exit(await runAll() ? 0 : 1);
}
