/**
 * `deno task demo`: the main job, end to end, in a small cluster of network namespaces, told in measured values.
 */
import { enterOrContinue, isInside } from "./enter.ts";
import { from, Lab } from "./lab.ts";
import type { Packet } from "./packet.ts";
import type { Pod } from "./pod.ts";
import { cacheProgram } from "./program.ts";
import { assertSeesProbes, isProbe, probeKinds, totalTried } from "./prober.ts";
import { ensureTools } from "./tools.ts";
import { internet, names, serviceAddress } from "./topology.ts";

if (!isInside()) {
  await ensureTools();
  await cacheProgram();
}
await enterOrContinue(import.meta.filename!);

const began = performance.now();
await using lab = await Lab.create();
const client = lab.client(0);
say(`a cluster in network namespaces: an app, two gateway Pods with a VPN each, "the internet" (${seconds(began)})`);

say("");
say(
  `without pod-gateway, the internet sees the app as      ${await client
    .fetchSourceAddress()} (the cluster's own way out)`,
);
using direct = lab.captureDirect((packet) => isProbe(packet));
await assertSeesProbes(direct, lab.stranger);
say("and a packet of an unprotected Pod that goes that way  is seen here (so one that leaked would be)");
await client.restart();

const gateways = [0, 1].map((index) => lab.gateway(index as 0 | 1));
const vpn = { PGW_VPN_INTERFACE: "vpn0", PGW_DNS_UPSTREAMS: internet.dns.v4 };
for (const gateway of gateways) gateway.pgw(["gateway", "run"], { env: vpn });
for (const gateway of gateways) await untilServing(gateway);

say("");
const prober = await client.probe();
using leaks = lab.captureDirect((packet) => isProbe(packet) && from(client)(packet));
const pgw = client.pgw(["client", "run", names.gateway], { env: { PGW_CLIENT_PING_INTERVAL: "0.3" } });
await pgw.waitForLog((record) => String(record.change).startsWith("iptables filter"));
const closedAt = Date.now();
const open = await pgw.waitForLog((record) => String(record.message).startsWith("open: "));
const address = await untilAnswered(client);
say(`with \`pgw client run ${names.gateway}\` it is open after ${Date.now() - pgw.startedAt} ms, from source;`);
say(`the internet now sees the app as                       ${address} (the VPN of ${gatewayName(address)})`);
say(
  `an outside name, asked through the tunnel:             web.example.test is ${await client.resolve(
    "web.example.test",
  )}`,
);
say(`a cluster name:                                        ${names.web} is ${await client.resolve(names.web)}`);
const local = await client.fetchSourceAddress(`http://${serviceAddress.web}/`);
say(`a cluster Service is reached around the tunnel, as     ${local} (through the cluster's network)`);

const [first, second] = address === gateways[0]!.vpnAddress.v4 ? [0, 1] as const : [1, 0] as const;
say("");
await lab.setEndpoints([first]);
const killedAt = Date.now();
await lab.gateway(first).setCable("down");
await pgw.waitForLog((record) => String(record.message).startsWith("closed: "));
const answer = await client.fetchSourceAddress(undefined, 1_000);
say(
  `the gateway's node dies: noticed after ${noticedAfter(killedAt)} ms, and the app's next question is ${
    answer === undefined ? "blocked" : `answered from ${answer}`
  }`,
);
await lab.setEndpoints([second]);
const endpointAt = Date.now();
const moved = await untilAnswered(client);
say(
  `the Service names the second gateway: ${Date.now() - endpointAt} ms later the internet sees ${moved} (${
    gatewayName(moved)
  })`,
);
pgw.kill("SIGKILL");
await pgw.ended;
say(
  `the client is killed (SIGKILL): the app goes on through the tunnel, ${await client
    .fetchSourceAddress()}, and nowhere else`,
);

const counts = await prober.stop();
const leaked = leaks.packets((packet: Packet) => packet.at > closedAt);
say("");
say(
  `all the while the app sent ${
    totalTried(counts)
  } packets of ${probeKinds.length} kinds (TCP, UDP, ICMP, DNS; IPv4, IPv6) to the internet:`,
);
say(`seen outside the tunnel from the first rule on: ${leaked.length}`);
say(`done after ${seconds(began)}`);
Deno.exit(leaked.length === 0 && open !== undefined ? 0 : 1);

function say(line: string): void {
  console.log(line);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

function gatewayName(source: string): string {
  return `gateway ${1 + gateways.findIndex((gateway) => gateway.vpnAddress.v4 === source)}`;
}

/** Milliseconds from `since` to the latest time that the client closed its Pod. */
function noticedAfter(since: number): number {
  const closed = pgw.logs.findLast((record) => String(record.message).startsWith("closed: "));
  return Math.round(Number(closed?.timestamp) - since);
}

async function untilServing(gateway: Pod): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { code } = await gateway.exec(["curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:3150/readyz"], {
      check: false,
    });
    if (code === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${gateway.name} does not serve`);
}

async function untilAnswered(pod: Pod): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const source = await pod.fetchSourceAddress(`http://${internet.web.v4}/`, 300);
    if (source !== undefined) return source;
  }
  throw new Error("no answer from the internet");
}
