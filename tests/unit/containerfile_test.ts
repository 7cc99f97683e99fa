/** The image has the xtables plugins that rules of ours use, and no others. */

import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);

/** Targets that are no files, or names in another one. */
const builtIn = new Set(["ACCEPT", "DROP", "RETURN"]);
const nat = new Set(["DNAT", "SNAT", "MASQUERADE", "REDIRECT"]);

Deno.test("Containerfile: the xtables plugins are those that the firewall's rules name", async () => {
  const wanted = new Set(["xt_standard"]);
  for (const file of ["mod/netstate", "mod/linux"]) {
    for await (const entry of Deno.readDir(new URL(`${file}/`, root))) {
      const source = await Deno.readTextFile(new URL(`${file}/${entry.name}`, root));
      for (const [, kind, name] of source.matchAll(/(-m|-j) ([A-Za-z0-9]+)/g)) {
        for (const plugin of pluginsOf(kind!, name!)) wanted.add(plugin);
      }
    }
  }
  const containerfile = await Deno.readTextFile(new URL("Containerfile", root));
  const list = /for plugin in ([^;]+); do/.exec(containerfile)![1]!;
  assert.deepEqual(list.split(/[\s\\]+/).sort(), [...wanted].sort());
});

function pluginsOf(kind: string, name: string): string[] {
  if (builtIn.has(name)) return [];
  if (nat.has(name)) return ["xt_NAT"];
  if (kind === "-j" && name === "REJECT") return ["ipt_REJECT", "ip6t_REJECT"];
  if (name === "icmp") return ["ipt_icmp"];
  if (name === "icmp6") return ["ip6t_icmp6"];
  return [`xt_${name}`];
}
