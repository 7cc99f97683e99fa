/** The Pod's own network changes while the client runs: on a machine, a lease from its router may bring another router. */
import assert from "node:assert/strict";
import { outsideTunnel } from "./lab.ts";
import { scriptCommand } from "./program.ts";
import { eventually, says, sleep, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { routerAddress } from "./topology.ts";

const labTest = labTests();
const newRouter = "10.42.0.254";

labTest("another router: the Pod goes on by it, and finds a gateway by it, also after a restart", async (lab) => {
  const client = lab.client(0);
  await lab.setEndpoints([0]);
  const gateway = await startGateway(lab.gateway(0));
  const pgw = startClient(client);
  await untilOpen(pgw);
  using leaks = client.captureUplink(outsideTunnel);
  const kept = async () => (await client.exec(["ip", "route", "show", "default", "table", "3150"])).stdout;
  await lab.router.ip(`addr add ${newRouter}/24 dev cni0`);
  await sleep(300); // what is told now is told of others' changes
  try {
    await client.ip(`route add default via ${newRouter} dev eth0 metric 100`);
    await eventually("the new router is kept", async () => (await kept()).includes(`via ${newRouter} `), 2_000);
    assert(!(await client.exec(["ip", "route", "show", "default"])).stdout.includes("eth0"), "and is no way out");
    await lab.router.ip(`addr del ${routerAddress.v4}/24 dev cni0`, `addr replace ${newRouter}/24 dev cni0`);
    await client.ip("neigh flush dev eth0");
    await lab.cluster.ip(`route replace default via ${newRouter}`);
    await lab.gateway(0).ip(`route replace 10.0.0.0/8 via ${newRouter}`, `route replace default via ${newRouter}`);
    assert(!pgw.logs.some(says("closed: ")), "it stays open");

    const from = pgw.lines.length;
    await gateway.stop("SIGKILL");
    await lab.gateway(0).ip("link delete vxlan3150");
    await untilClosed(pgw, from);
    await startGateway(lab.gateway(0));
    await untilOpen(pgw, from);
    await pgw.stop("SIGTERM");
    await untilOpen(startClient(client));
    leaks.assertNone();
  } finally {
    await lab.router.ip(`addr del ${newRouter}/24 dev cni0`, `addr replace ${routerAddress.v4}/24 dev cni0`);
    await lab.cluster.ip(`route replace default via ${routerAddress.v4}`);
  }
});

labTest(
  "an IPv6 address that comes later is answered from, and a router's advertisement changes nothing",
  async (lab) => {
    const client = lab.client(0);
    await lab.setEndpoints([0]);
    await startGateway(lab.gateway(0));
    await untilOpen(startClient(client));
    await client.ip("addr add 2001:db8:42::77/64 dev eth0 nodad");
    await client.spawn(scriptCommand("web_main.ts", "8080", "2001:db8:42::77")).waitFor(/^ready$/);
    const curl = ["curl", "-gsS", "-m", "1", "http://[2001:db8:42::77]:8080/"];
    const answered = async () => (await lab.internet.exec(curl, { check: false })).stdout.trim() !== "";
    await eventually("an answer from the new address", answered, 5_000);

    const kept = async () => (await client.exec(["ip", "-6", "route", "show", "default", "table", "3150"])).stdout;
    const [before, via] = [await kept(), ["via", "fe80::bad"]];
    await client.exec(["ip", "-6", "route", "add", "default", ...via, "dev", "eth0", "proto", "ra", "metric", "100"]);
    const gone = async () =>
      !(await client.exec(["ip", "-6", "route", "show", "default"])).stdout.includes("fe80::bad");
    await eventually("it is no way out", gone);
    assert.equal(await kept(), before);
  },
);
