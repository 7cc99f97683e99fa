/** Names as an application and an administrator see them, through the real gateway. */
import assert from "node:assert/strict";
import type { GatewayPod } from "./gateway_pod.ts";
import { type Lab, names } from "./lab.ts";
import type { Pod } from "./pod.ts";
import { eventually, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, resolvConf, serviceAddress } from "./topology.ts";

const labTest = labTests();
const gatewayAddress = "172.29.0.1";
const vpnResolver = `nameserver ${internet.dns.v4}\n`;

async function open(lab: Lab, env: Readonly<Record<string, string>>): Promise<[GatewayPod, Pod]> {
  const [gateway, client] = [lab.gateway(0), lab.client(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway, env);
  await untilOpen(startClient(client));
  return [gateway, client];
}

/** What `dig` prints: header, extended error, answers. */
async function dig(pod: Pod, name: string): Promise<string> {
  const options = ["+time=3", "+tries=1", "+noall", "+comments", "+answer"];
  return (await pod.exec(["dig", `@${gatewayAddress}`, ...options, name], { check: false })).stdout;
}

type Answer = Readonly<Record<string, unknown>>;

/** `pgw dns query` in a Pod: what it printed as JSON, and its exit code. */
async function query(pod: Pod, ...args: readonly string[]): Promise<{ answer: Answer; code: number }> {
  const pgw = pod.pgw(["dns", "query", "--json", ...args], { env: { PGW_LOG_LEVEL: "error" } });
  const { code } = await pgw.end(20_000);
  const line = pgw.lines.find(({ stream }) => stream === "stdout");
  assert.ok(line, pgw.output);
  return { answer: line.json!, code };
}

function askedAtCluster(lab: Lab, name: string): number {
  return lab.cluster.dnsQueries().filter((query) => query.name === name).length;
}

labTest("with a VPN, outside names wait for its nameserver: none goes to the cluster's", async (lab) => {
  // The positive control: the cluster's server tells what it was asked, and answers names from outside.
  assert.deepEqual(await lab.stranger.resolve("control.example.test"), [internet.web.v4]);
  assert.equal(askedAtCluster(lab, "control.example.test"), 1);

  const [gateway, client] = await open(lab, { PGW_VPN_INTERFACE: "vpn0" });
  assert.match(await dig(client, "early.example.test"), /SERVFAIL[^]*EDE: 14 .*names no server of the VPN/);
  assert.match(await dig(client, names.web), new RegExp(serviceAddress.web.replaceAll(".", "\\.")));
  gateway.setResolvConf(vpnResolver);
  await eventually("asked at the VPN's", async () => (await dig(client, "later.example.test")).includes("NOERROR"));
  await gateway.disconnectVpn();
  // By the gateway itself: its clients are told to go elsewhere, and are closed by then.
  await eventually("told why", async () => (await dig(gateway, "down.example.test")).includes("'vpn0' is down"));
  await gateway.connectVpn();
  await eventually("asked again", async () => (await dig(client, "again.example.test")).includes("NOERROR"));
  assert.match(await dig(client, names.web), /NOERROR/);
  for (const name of ["early", "later", "down", "again"]) assert.equal(askedAtCluster(lab, `${name}.example.test`), 0);
});

labTest(
  "pgw dns query: route, upstream, cache and time on a gateway, an application's view on a client",
  async (lab) => {
    const route = `quiet.example.test=cluster`;
    const [gateway, client] = await open(lab, { PGW_DNS_UPSTREAMS: internet.dns.v4, PGW_DNS_ROUTES: route });
    const { answer: first, code } = await query(gateway, "www.example.test");
    assert.equal(code, 0);
    assert.equal(typeof first.tookMs, "number");
    assert.deepEqual([first.route, first.upstreams, first.cache, first.answeredBy, first.status], [
      "outside",
      [internet.dns.v4],
      "absent",
      internet.dns.v4,
      "NOERROR",
    ]);
    assert.equal((first.answers as Answer[])[0]!.data, internet.web.v4);
    const { answer: cluster } = await query(gateway, names.web);
    assert.deepEqual([cluster.route, cluster.answeredBy], ["cluster", serviceAddress.dns]);
    assert.equal((await query(gateway, "www.quiet.example.test")).answer.route, "cluster");
    const { answer: reverse } = await query(gateway, "80.0.43.10.in-addr.arpa", "--type", "PTR");
    assert.deepEqual([reverse.route, (reverse.answers as Answer[])[0]!.data], ["cluster", `${names.web}.`]);
    const { answer: local } = await query(gateway, "localhost", "--type", "AAAA");
    assert.deepEqual([local.answeredBy, (local.answers as Answer[])[0]!.data], ["pgw itself", "::1"]);

    const { answer: seen } = await query(client, "www.example.test");
    assert.deepEqual([seen.nameserver, seen.status], [gatewayAddress, "NOERROR"]);
    assert.equal((await query(gateway, "nowhere.cluster.local")).answer.status, "NXDOMAIN");

    // Nobody else learns what clients look up.
    const url = (host: string) => `http://${host}:3150/v1/dns/www.example.test/A`;
    const status = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"];
    assert.equal((await gateway.exec([...status, url("127.0.0.1")])).stdout, "200");
    assert.equal((await lab.stranger.exec([...status, url(gateway.address.v4)])).stdout, "404");
  },
);

labTest("a search domain of the node's that nobody answers for does not keep a client closed", async (lab) => {
  const client = lab.client(0);
  client.setResolvConf(resolvConf.replace(/^search .*/, "$& lan"));
  const { v4 } = internet.dns;
  await lab.router.exec(["iptables", "-I", "FORWARD", "-d", v4, "-p", "udp", "--dport", "53", "-j", "DROP"]);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const pgw = startClient(client, {}, ["client", "init", names.gateway]);
  assert.equal((await pgw.end(20_000)).code, 0, pgw.output);
  assert.equal(askedAtCluster(lab, `${names.gateway}.lan`), 0);
});
