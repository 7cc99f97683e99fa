/** The lab itself: what other tests take for granted. */
import assert from "node:assert/strict";
import { from, names } from "./lab.ts";
import type { Packet } from "./packet.ts";
import { assertSeesProbes, isProbe, linkKinds, type ProbeKind, probeKinds, totalTried } from "./prober.ts";
import { eventually, sleep } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, podAddress } from "./topology.ts";

/** RFC 9293. */
const tcp = 6;

for (const cni of ["bridge", "ptp", "calico"] as const) {
  const labTest = labTests({ cni });

  labTest("the direct way and the VPN's are told apart by the source address, in both families", async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(1)];
    const web6 = `http://[${internet.web.v6}]/`;
    assert.equal(await client.fetchSourceAddress(), "203.0.113.11");
    assert.equal(await client.fetchSourceAddress(web6), "2001:db8:42::11");
    assert.equal(await gateway.fetchSourceAddress(), gateway.vpnAddress.v4);
    assert.equal(await gateway.fetchSourceAddress(web6), gateway.vpnAddress.v6);
    await gateway.disconnectVpn();
    assert.equal(await gateway.fetchSourceAddress(), "203.0.113.22");
    await gateway.connectVpn();
    assert.equal(await gateway.fetchSourceAddress(), gateway.vpnAddress.v4);
    await gateway.setVpnSilent(true);
    assert.equal(await gateway.fetchSourceAddress(undefined, 300), undefined);
    await gateway.setVpnSilent(false);
    assert.equal(await gateway.fetchSourceAddress(), gateway.vpnAddress.v4);
  });

  labTest("names and Services of the cluster, and names of the internet", async (lab) => {
    const client = lab.client(0);
    assert.deepEqual(await client.resolve("gateway"), ["10.43.0.50"]);
    assert.deepEqual(await client.resolve("some.example.test"), [internet.web.v4]);
    assert.ok(
      lab.internet.dnsQueries().some(({ name, from }) => name === "some.example.test" && from === "203.0.113.41"),
    );
    assert.notEqual(await client.fetchSourceAddress(`http://${names.web}/`), undefined);
    await lab.setEndpoints([1]);
    await eventually(
      "one endpoint",
      async () => (await client.resolve("gateways")).join() === podAddress(22).v4,
    );
    assert.equal((await client.exec(["curl", "-s", `http://${names.gateway}/`], { check: false })).code, 7);
  });

  labTest("captures see what a prober sends", async (lab) => {
    using uplink = lab.stranger.captureUplink(isProbe);
    const ofStranger = (packet: Packet) => from(lab.stranger)(packet) && isProbe(packet);
    using direct = lab.captureDirect(ofStranger);
    using control = lab.captureDirect(ofStranger);
    await assertSeesProbes(control, lab.stranger);
    // What that sent is known as well: a SYN of it that is repeated later is not another packet.
    const before = [uplink, direct].map((capture) => withoutRepeats(capture.packets()).length);
    const app = await lab.stranger.probe();
    await sleep(500);
    const counts = await app.stop();
    await sleep(100);
    assert.equal(withoutRepeats(uplink.packets()).length - before[0]!, totalTried(counts));
    const local = new Set<ProbeKind>([...linkKinds, "clusterDns"]);
    const global = probeKinds.filter((kind) => !local.has(kind)).reduce((sum, kind) => sum + counts[kind].tried, 0);
    assert.equal(withoutRepeats(direct.packets()).length - before[1]!, global);
  });

  labTest("cables and directions are cut and mended", async (lab) => {
    const [one, other] = [lab.client(0), lab.client(1)];
    const reaches = async () => (await one.exec(["ping", "-c1", "-W1", other.address.v4], { check: false })).code === 0;
    const mended = () => eventually("mended", reaches);
    await mended();
    for (const direction of ["in", "out"] as const) {
      await other.setDirection(direction, "cut");
      assert.equal(await reaches(), false);
      await other.setDirection(direction, "whole");
      await mended();
    }
    await other.setCable("down");
    assert.equal(await reaches(), false);
    await other.setCable("up");
    await mended();
    await other.restart();
    await mended();
  });
}

/** The kernel sends a SYN again that is not answered within a second: on a busy machine an answer may take that long. */
function withoutRepeats(packets: readonly Packet[]): Packet[] {
  const syns = new Set<string>();
  return packets.filter(({ protocol, source, sourcePort, destination, destinationPort }) => {
    if (protocol !== tcp) return true;
    const flow = [source, sourcePort, destination, destinationPort].join();
    const isRepeat = syns.has(flow);
    syns.add(flow);
    return !isRepeat;
  });
}
