/**
 * The DHCP server beside Kea (memfile, persist) under perfdhcp through a VXLAN, leases durable in both; beside itself with
 * 65,000 leases; and the time from DISCOVER to an address beside dhclient, udhcpc and dnsmasq.
 *
 * `deno task bench dhcp [load] [delays] [scale] [latency]`, after `deno task compile`. `delays` is the last part of `load`, at
 * 2,400 exchanges a second.
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { useCompiledProgram } from "./binary.ts";
import { benchLatency } from "./dhcp/latency.ts";
import { benchDelays, benchLoad } from "./dhcp/load.ts";
import { benchScale } from "./dhcp/scale.ts";
import { DhcpWorld } from "./dhcp/world.ts";
import { machine } from "./report.ts";

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const isWanted = (name: string) => Deno.args.length === 0 || Deno.args.includes(name);

console.log(machine());
if (isWanted("load") || isWanted("delays") || isWanted("scale")) {
  const world = await DhcpWorld.create();
  if (isWanted("load")) await benchLoad(world);
  else if (isWanted("delays")) await benchDelays(world, 2_400);
  if (isWanted("scale")) await benchScale(world);
  await world.destroy();
}
if (isWanted("latency")) await benchLatency();
