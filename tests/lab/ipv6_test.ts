/** What IPv6 could do to a Pod: routers that advertise themselves, and a Pod that has none but its own loopback. */
import assert from "node:assert/strict";
import type { Lab } from "./lab.ts";
import type { Pod } from "./pod.ts";
import { scriptCommand } from "./program.ts";
import { eventually, sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet } from "./topology.ts";

const labTest = labTests();

/** The router tells all Pods of its link of a default route, a network, and a route to 2001:db8::/32 (RFC 4861, RFC 4191). */
async function advertise(lab: Lab): Promise<void> {
  await lab.router.exec([...scriptCommand("advertise_main.ts", "cni0")]);
}

/** A Pod that takes all that routers advertise, as one does whose CNI plugin does not forbid it. */
async function acceptAdvertisements(pod: Pod): Promise<void> {
  await pod.sysctl(
    "net.ipv6.conf.eth0.accept_ra=2",
    "net.ipv6.conf.eth0.autoconf=1",
    "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen=64",
  );
}

async function learned(pod: Pod): Promise<string> {
  return (await pod.exec(["ip", "-6", "route", "show", "table", "all", "proto", "ra"])).stdout;
}

labTest("no route is learned from a router's advertisement, while the Pod is closed or open", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await Promise.all([client, lab.stranger].map(acceptAdvertisements));
  await lab.setEndpoints([]);
  using uplink = client.captureUplink((packet) => packet.family === 6 && packet.destination === internet.web.v6);
  const pgw = startClient(client);
  await eventually("closed", async () => (await client.exec(["ip6tables", "-S"])).stdout.includes("-j PGW-INPUT"));
  await advertise(lab);
  await eventually(
    "the positive control: another Pod learns",
    async () => /default via fe80:/.test(await learned(lab.stranger)),
  );
  assert.match(await learned(lab.stranger), /2001:db8::\/32 via/);
  assert.equal(await learned(client), "");
  await startGateway(gateway);
  await lab.setEndpoints([0]);
  await untilOpen(pgw);
  await advertise(lab);
  await sleep(200);
  assert.equal(await learned(client), "");
  assert.equal(await client.fetchSourceAddress(`http://[${internet.web.v6}]/`, 500), undefined);
  await pgw.stop("SIGKILL");
  await advertise(lab);
  assert.equal(await learned(client), "");
  assert.equal(await client.fetchSourceAddress(`http://[${internet.web.v6}]/`, 500), undefined);
  uplink.assertNone();
});

labTest("a route learned from an advertisement before the client came is no way out", async (lab) => {
  const client = lab.client(0);
  await acceptAdvertisements(client);
  await lab.setEndpoints([]);
  await advertise(lab);
  await eventually("it is learned", async () => /default via fe80:/.test(await learned(client)));
  startClient(client);
  await eventually("the default route is gone", async () => !/default/.test(await learned(client)));
  using uplink = client.captureUplink((packet) => packet.family === 6 && packet.destination === internet.web.v6);
  assert.equal(await client.fetchSourceAddress(`http://[${internet.web.v6}]/`, 500), undefined);
  uplink.assertNone();
});

labTest("a Pod with IPv6 on its loopback alone keeps that", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await client.sysctl("net.ipv6.conf.eth0.disable_ipv6=1");
  await lab.setEndpoints([]);
  const server =
    'Deno.serve({ hostname: "::1", port: 8081, onListen: () => console.log("ready") }, () => new Response("here"));';
  await client.spawn([Deno.execPath(), "eval", server]).waitFor(/^ready$/);
  const reaches = async () =>
    (await client.exec(["curl", "-gs", "--max-time", "2", "http://[::1]:8081/"])).stdout === "here";
  assert.ok(await reaches());
  const pgw = startClient(client);
  await eventually("closed", async () => (await client.exec(["ip6tables", "-S"])).stdout.includes("-j PGW-OUTPUT"));
  assert.ok(await reaches());
  await startGateway(gateway);
  await lab.setEndpoints([0]);
  await untilOpen(pgw);
  assert.ok(await reaches());
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
});
