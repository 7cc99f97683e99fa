/** The import rule: only the shell (linux/, runtime/, cli/, main.ts) touches the world; the core takes time and chance as arguments. */
import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);
const shell = ["mod/linux/", "mod/runtime/", "mod/cli/"];
/** Libraries that are values in, values out; the core may use them. */
const pureLibraries = ["dns-packet"];

const worldly = [
  /\bDeno\b/,
  /\b(?:set|clear)(?:Timeout|Interval)\b/,
  /\bqueueMicrotask\b/,
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bperformance\b/,
  /\bMath\.random\b/,
  /\bcrypto\b/,
  /\bfetch\(/,
  /\bnew (?:Worker|WebSocket|BroadcastChannel|EventSource)\b/,
  /\bconsole\b/,
  /\bglobalThis\b/,
];

const comments = /\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/[^\n]*/g;
const strings = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
const imports = /(?:\bfrom\s+|\bimport\s*\(?\s*)"([^"]+)"/g;

/** What is wrong with a file of the core, a line each. `path` is relative to the repository. */
function violations(path: string, source: string): string[] {
  const code = source.replace(comments, "");
  const imported = [...code.matchAll(imports)].map(([, specifier]) => specifier ?? "");
  const wrongImports = imported.filter((specifier) => {
    if (!specifier.startsWith(".")) return !pureLibraries.includes(specifier);
    const target = new URL(specifier, new URL(path, root)).pathname.slice(root.pathname.length);
    return shell.some((directory) => target.startsWith(directory)) || !target.startsWith("mod/");
  });
  const bare = code.replace(strings, '""');
  const words = worldly.flatMap((word) => word.exec(bare)?.[0] ?? []);
  return [...wrongImports.map((specifier) => `imports ${specifier}`), ...words.map((word) => `uses ${word}`)];
}

async function typeScriptFiles(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(new URL(directory, root))) {
    if (entry.isDirectory) found.push(...await typeScriptFiles(`${directory}${entry.name}/`));
    else if (entry.name.endsWith(".ts")) found.push(`${directory}${entry.name}`);
  }
  return found.sort();
}

Deno.test("the core touches neither the machine nor the clock nor chance", async () => {
  const core = (await typeScriptFiles("mod/")).filter((path) => !shell.some((directory) => path.startsWith(directory)));
  assert.ok(core.length > 30, "these are the files of the core");
  const found: string[] = [];
  for (const path of core) {
    const source = await Deno.readTextFile(new URL(path, root));
    found.push(...violations(path, source).map((what) => `${path} ${what}`));
  }
  assert.deepEqual(found, []);
});

Deno.test("the shell, its directories apart, does not grow beyond main.ts", async () => {
  const outside: string[] = [];
  for await (const entry of Deno.readDir(root)) if (entry.name.endsWith(".ts")) outside.push(entry.name);
  assert.deepEqual(outside, ["main.ts"]);
});

Deno.test("the rule sees what it forbids, and nothing else", () => {
  const path = "mod/dhcp/server.ts";
  assert.deepEqual(violations(path, 'import { run } from "../linux/runner.ts";'), ["imports ../linux/runner.ts"]);
  assert.deepEqual(violations(path, 'import { readFile } from "node:fs";'), ["imports node:fs"]);
  assert.deepEqual(violations(path, 'const x = await import("execa");'), ["imports execa"]);
  assert.deepEqual(violations(path, "const now = Date.now();"), ["uses Date.now"]);
  assert.deepEqual(violations(path, "Deno.exit(1)"), ["uses Deno"]);
  assert.deepEqual(violations(path, "const at = new Date();"), ["uses new Date()"]);
  assert.deepEqual(violations(path, "const c = crypto.subtle; // why"), ["uses crypto"]);
  assert.deepEqual(violations(path, 'import { parse } from "../addr/ipv4.ts";'), []);
  assert.deepEqual(violations(path, '/** Like Date.now */ const url = "http://Deno.land"; // setTimeout'), []);
  assert.deepEqual(violations(path, "const date = new Date(now).toISOString();"), []);
});
