/** `init` then `start` in separate processes; SIGTERM, SIGKILL and restart of each side. */
import assert from "node:assert/strict";
import type { Capture } from "./capture.ts";
import { from, names } from "./lab.ts";
import type { Pod } from "./pod.ts";
import { isProbe, probeNumber } from "./prober.ts";
import { eventually, says, sleep, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { routerAddress } from "./topology.ts";

const labTest = labTests();

async function overlayAddress(pod: Pod): Promise<string | undefined> {
  const { stdout } = await pod.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"], { check: false });
  return / (172\.29\.0\.\d+)\//.exec(stdout)?.[1];
}

/** How many of the UDP probes between the first and the last that came through did not. */
function lostProbes(tunnelled: Capture): { readonly seen: number; readonly lost: number } {
  const isUdp = (text: Uint8Array) => new TextDecoder().decode(text).startsWith("pgw-probe-udp4-");
  const numbers = tunnelled.packets((packet) => isUdp(packet.payload)).map((packet) => probeNumber(packet) ?? 0);
  const span = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1;
  return { seen: numbers.length, lost: span - new Set(numbers).size };
}

/** Until so many more of them came through. */
async function untilSeen(tunnelled: Capture, more: number): Promise<void> {
  const before = lostProbes(tunnelled).seen;
  await eventually("probes come through", () => Promise.resolve(lostProbes(tunnelled).seen >= before + more));
}

labTest("init and start in separate processes, one after the other, for both roles", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  assert.equal((await gateway.pgw(["gateway", "init"]).end()).code, 0);
  await startGateway(gateway, {}, ["gateway", "start"]);
  assert.equal((await startClient(client, {}, ["client", "init", names.gateway]).end(20_000)).code, 0);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  const address = await overlayAddress(client);

  using tunnelled = gateway.captureVpn(isProbe);
  const app = await client.probe();
  await sleep(300);
  const start = startClient(client, {}, ["client", "start", names.gateway]);
  await untilOpen(start);
  await untilSeen(tunnelled, 50);
  await app.stop();
  assert.equal(await overlayAddress(client), address, "the lease is taken over");
  const { seen, lost } = lostProbes(tunnelled);
  assert.equal(lost, 0, `${lost} of ${seen} lost while start took over`);

  await gateway.setCable("down");
  await untilClosed(start);
  await gateway.setCable("up");
  await untilOpen(start, start.lines.findIndex(({ json }) => json !== undefined && says("closed: ")(json)));
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
});

labTest("SIGTERM: `client run` leaves the Pod closed, `client start` leaves it as it is", async (lab) => {
  const [one, other, gateway] = [lab.client(0), lab.client(1), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  const run = startClient(one);
  const start = startClient(other, {}, ["client", "start", names.gateway]);
  await Promise.all([untilOpen(run), untilOpen(start)]);
  using leaks = lab.captureDirect(from(one, other));
  assert.equal((await run.stop("SIGTERM")).code, 0);
  assert.equal((await start.stop("SIGTERM")).code, 0);
  assert.equal(await one.fetchSourceAddress(undefined, 500), undefined);
  assert.equal(await one.fetchSourceAddress("http://[2001:db8::80]/", 500), undefined);
  assert.equal(await other.fetchSourceAddress(), gateway.vpnAddress.v4);
  leaks.assertNone();
});

labTest(
  "SIGKILL of the client: the app goes on through the tunnel, also while a new client takes over",
  async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    await startGateway(gateway);
    const first = startClient(client);
    await untilOpen(first);
    const address = await overlayAddress(client);
    using leaks = lab.captureDirect(from(client));
    using tunnelled = gateway.captureVpn(isProbe);
    const app = await client.probe();
    await sleep(300);
    await first.stop("SIGKILL");
    await sleep(500);
    const second = startClient(client);
    await untilOpen(second);
    await untilSeen(tunnelled, 50);
    await app.stop();
    assert.equal(await overlayAddress(client), address);
    const { seen, lost } = lostProbes(tunnelled);
    assert.equal(lost, 0, `${lost} of ${seen} lost`);
    leaks.assertNone();
  },
);

labTest("SIGKILL of the client and of its gateway: the Pod stays closed to all but the tunnel", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  const pgw = startClient(client);
  await untilOpen(pgw);
  using leaks = lab.captureDirect(from(client));
  await pgw.stop("SIGKILL");
  await gateway.restart();
  assert.equal(await client.fetchSourceAddress(undefined, 1_000), undefined);
  leaks.assertNone();
});

labTest("SIGTERM and SIGKILL of the gateway's process, and its return", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  let serving = await startGateway(gateway);
  const pgw = startClient(client);
  await untilOpen(pgw);
  const address = await overlayAddress(client);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const from = pgw.lines.length;
    const status = await serving.stop(signal);
    if (signal === "SIGTERM") assert.equal(status.code, 0, serving.output);
    await sleep(2_000); // longer than the checks of the client need
    serving = await startGateway(gateway);
    await eventually("open again", async () => await client.fetchSourceAddress() === gateway.vpnAddress.v4);
    assert.equal(await overlayAddress(client), address, `the same address after ${signal}`);
    assert.ok(pgw.lines.length > from, "and it said so");
  }
});

labTest("a gateway Pod that comes back at the same address, without its leases", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  const pgw = startClient(client);
  await untilOpen(pgw);
  const mac = async () => (await gateway.exec(["cat", "/sys/class/net/vxlan3150/address"])).stdout;
  const before = await mac();
  await gateway.restart();
  await startGateway(gateway);
  await client.waitForSourceAddress(gateway.vpnAddress.v4, undefined, 30_000);
  assert.equal(await mac(), before, "there is no old MAC to forget");
});

labTest("a gateway whose Pod gets another address and MTU tells these, and serves there", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  const address = "10.42.0.99";
  await gateway.ip(
    "link set eth0 mtu 1400",
    `addr del ${gateway.address.v4}/24 dev eth0`,
    `addr add ${address}/24 dev eth0`,
    `route replace default via ${routerAddress.v4}`,
    `route replace 10.0.0.0/8 via ${routerAddress.v4} dev eth0`,
  );
  await eventually("told", async () => {
    const { stdout } = await gateway.exec(["curl", "-gsSf", "http://127.0.0.1:3150/v1/gateway"]);
    const { podAddress, vxlan } = JSON.parse(stdout);
    return podAddress === address && vxlan.mtu === 1350;
  });
  const pgw = startClient(client, {}, ["client", "run", `${address}:3150`]);
  await pgw.waitForLog(says("open: "), { timeoutMs: 10_000 });
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
});
