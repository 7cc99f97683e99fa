import assert from "node:assert/strict";
import { closeLogging, setUpLogging } from "../../../mod/runtime/log.ts";
import { VpnNames } from "../../../mod/runtime/vpn_names.ts";

Deno.test("a name of the VPN's that has no address is asked for again and again, and told of once", async () => {
  const path = await Deno.makeTempFile();
  await setUpLogging({ logLevel: "debug", logTransports: ["file"], logFilePath: path, logFormat: "auto" });
  const nobody = { servers: [], known: [], search: [] };
  const names = new VpnNames([{ name: "vpn.invalid" }], nobody, () => {}, { known: 60_000, unknown: 1 });
  await names.start();
  const said = async (level: number) =>
    (await Deno.readTextFile(path)).split("\n").filter((line) => line.includes(`"level":${level},`)).length;
  while (await said(10) < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  names[Symbol.dispose]();
  assert.equal(await said(30), 1);
  await closeLogging();
  await Deno.remove(path);
});
