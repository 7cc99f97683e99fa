/**
 * `deno task test [GROUP...]`: all tests, or those of the named groups. Installs what is missing, fetches the dependencies, and
 * runs each group in as little of a world as it can do with. The last line reads `N passed, N failed[, N skipped]`.
 */
import { fileURLToPath } from "node:url";
import { runInside } from "./lab/enter.ts";
import { ensureExtracted } from "./lab/extracted.ts";
import { ensureTools } from "./lab/tools.ts";

type Group = {
  readonly name: string;
  /** Files and directories below the repository. */
  readonly paths: readonly string[];
  readonly permissions: readonly string[];
  /** In the lab's namespaces: without any link to the machine's network, and as their root. */
  readonly isInside: boolean;
  /** Most of its time goes by waiting (for leases to end): it runs beside the others, and its output comes last. */
  readonly isPatient?: true;
};

type Counts = { passed: number; failed: number; skipped: number };

const pureUnits = ["addr", "wire", "dhcp", "dns", "netstate", "role", "health", "doctor"].map((name) =>
  `tests/unit/${name}`
);
const unitsInTheWorld = ["config", "cli", "linux", "runtime"].map((name) => `tests/unit/${name}`);

const groups: readonly Group[] = [
  // The core is pure: none of its tests may ask the machine for anything but the golden packets and
  // the documents that it is compared with.
  {
    name: "unit",
    paths: [...pureUnits, "tests/golden", "tests/scenario"],
    permissions: ["--allow-read=tests/golden,docs"],
    isInside: false,
  },
  { name: "fuzz", paths: ["tests/fuzz"], permissions: ["--allow-read=tests/golden"], isInside: false },
  {
    name: "architecture",
    paths: ["tests/unit/architecture_test.ts", "tests/unit/containerfile_test.ts", "tests/unit/permissions_test.ts"],
    permissions: ["--allow-read"],
    isInside: false,
  },
  { name: "shell", paths: [...unitsInTheWorld, "tests/e2e"], permissions: ["--allow-all"], isInside: true },
  { name: "kernel", paths: ["tests/kernel"], permissions: ["--allow-all"], isInside: true },
  { name: "chaos", paths: ["tests/chaos"], permissions: ["--allow-all"], isInside: true },
  { name: "lab", paths: ["tests/lab"], permissions: ["--allow-all"], isInside: true },
  { name: "interop", paths: ["tests/interop"], permissions: ["--allow-all"], isInside: true, isPatient: true },
  { name: "waiting", paths: ["tests/waiting"], permissions: ["--allow-all"], isInside: true, isPatient: true },
];

const root = fileURLToPath(new URL("..", import.meta.url));
Deno.chdir(root);
// What runs for hours when somebody asks for it is bounded here; a greater number in the environment is respected.
if (!Deno.env.has("PGW_TEST_KILLS")) Deno.env.set("PGW_TEST_KILLS", "40");

const chosen = groups.filter(({ name }) => Deno.args.length === 0 || Deno.args.includes(name));
await refuseForgottenTests();
await ensureTools(ensureExtracted);
await fetchDependencies();

const patient = chosen.filter((group) => group.isPatient).map((group) => runGroup(group));
const counts: Counts[] = [];
for (const group of chosen.filter((group) => !group.isPatient)) counts.push(await runGroup(group));
counts.push(...await Promise.all(patient));
const total = counts.reduce((sum, { passed, failed, skipped }) => ({
  passed: sum.passed + passed,
  failed: sum.failed + failed,
  skipped: sum.skipped + skipped,
}));
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped === 0 ? "" : `, ${total.skipped} skipped`}`);
Deno.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

/** A test that no group runs would pass for ever. */
async function refuseForgottenTests(): Promise<void> {
  const isRun = (path: string) => groups.some(({ paths }) => paths.some((known) => `${path}/`.startsWith(`${known}/`)));
  const forgotten = (await filesBelow("tests", (path) => path.endsWith("_test.ts"))).filter((path) => !isRun(path));
  if (forgotten.length > 0) throw new Error(`no group of tests/run.ts runs ${forgotten.join(", ")}`);
}

/** In the ordinary network; the tests themselves have none. */
async function fetchDependencies(): Promise<void> {
  const files = ["main.ts", ...await filesBelow("tests", (path) => /_(test|main)\.ts$/.test(path))];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--no-check", ...files],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`fetching the dependencies failed:\n${new TextDecoder().decode(stderr)}`);
}

async function runGroup({ name, paths, permissions, isInside, isPatient }: Group): Promise<Counts> {
  const files = (await Promise.all(paths.map((path) => filesBelow(path, (file) => file.endsWith("_test.ts"))))).flat();
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  console.log(`# ${name}${isPatient ? ", beside the others" : ""}`);
  const folder = await Deno.makeTempDir();
  const [report, output] = [`${folder}/report.xml`, `${folder}/output`];
  try {
    const options = ["--no-check", "--no-prompt", "--cached-only", `--junit-path=${report}`, ...permissions];
    const tests = [Deno.execPath(), "test", ...options, ...files];
    const command = isPatient ? ["sh", "-c", 'exec "$@" >"$0" 2>&1', output, ...tests] : tests;
    const code = isInside ? await runInside(command) : await run(command);
    if (isPatient) console.log(`# ${name}\n${await Deno.readTextFile(output)}`);
    const counts = countTests(await Deno.readTextFile(report));
    // A run that broke down before or between its tests has failed, whatever it counted.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run([program = "", ...args]: readonly string[]): Promise<number> {
  return (await new Deno.Command(program, { args }).spawn().status).code;
}

/** A test with steps counts once, and so does each of its steps. */
function countTests(junit: string): Counts {
  const cases = junit.match(/<testcase [\s\S]*?(?:\/>|<\/testcase>)/g) ?? [];
  const failed = cases.filter((text) => text.includes("<failure") || text.includes("<error")).length;
  const skipped = cases.filter((text) => text.includes("<skipped")).length;
  return { passed: cases.length - failed - skipped, failed, skipped };
}

async function filesBelow(path: string, isWanted: (path: string) => boolean): Promise<string[]> {
  try {
    if ((await Deno.stat(path)).isFile) return isWanted(path) ? [path] : [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const found: string[] = [];
  for await (const { name } of Deno.readDir(path)) found.push(...await filesBelow(`${path}/${name}`, isWanted));
  return found.sort();
}
