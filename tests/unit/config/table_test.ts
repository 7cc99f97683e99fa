import assert from "node:assert/strict";
import { withSettings } from "../../../mod/config/readme.ts";
import { flagOf } from "../../../mod/config/setting.ts";
import { allSettings } from "../../../mod/config/table.ts";

Deno.test("names are unique, defaults are values, and choices are accepted", () => {
  assert.equal(new Set(allSettings.map((setting) => setting.variable)).size, allSettings.length);
  for (const setting of allSettings) {
    assert.match(setting.variable, /^PGW(_[A-Z]+)+$/);
    assert.match(setting.help, /\.$/, setting.variable);
    if ("default" in setting) setting.parse(setting.default);
    for (const choice of setting.choices ?? []) setting.parse(choice);
  }
});

Deno.test("a flag is its variable in lower case", () => {
  assert.deepEqual(
    allSettings.filter(({ variable }) => /LEVEL|PING_INT/.test(variable)).map(flagOf),
    ["log-level", "client-ping-interval"],
  );
});

Deno.test("README.md has the settings as they are (else: deno task readme)", async () => {
  const readme = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));
  assert.equal(readme, withSettings(readme));
  assert.throws(() => withSettings("no marks"), /there is no place/);
});
