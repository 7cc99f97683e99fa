/** What our client says before it has an address comes from none of the Pod's: who filters by reverse path hears it all the same. */
import assert from "node:assert/strict";
import type { Pod } from "../../lab/pod.ts";
import { startClient, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { startSeedGateway } from "../seed_gateway.ts";
import { device, Dialogue, type Message } from "./dialogue.ts";
import { addressesOf } from "./pods.ts";
import { servers } from "./servers.ts";

const labTest = labTests();
const arp = 0x0806;
const none = "0.0.0.0";

/** As many nodes have it, whatever the Pod's own interface is set to. */
async function filterStrictly(pod: Pod): Promise<void> {
  await pod.sysctl("net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1");
}

labTest("the seed's gateway, where packets are filtered by reverse path", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await filterStrictly(gateway);
  await startSeedGateway(gateway);
  using dialogue = new Dialogue(gateway);
  using asked = gateway.capture(device, ({ etherType, direction }) => etherType === arp && direction === "in");
  const { address } = await untilOpen(startClient(client)) as { address: string };
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  // While dnsmasq pings the address, for three seconds, it is asked again.
  const sources = (type: Message["type"]) =>
    new Set(dialogue.messages.filter((m) => m.type === type).map((m) => m.source));
  assert.deepEqual([...sources("DISCOVER"), ...sources("REQUEST")], [none, none]);
  // RFC 5227 section 2.1.1; what the Pod calls itself outside is nobody's business in the tunnel.
  const senders = asked.packets().map(({ payload }) => payload.subarray(14, 18).join("."));
  assert.ok(senders.includes(none), senders.join());
  assert.ok(senders.every((sender) => [none, address].includes(sender)), senders.join());
});

labTest("another host has the leased address, and filters by reverse path", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await filterStrictly(gateway);
  await startSeedGateway(gateway, []);
  await servers.dhcpd.start(gateway);
  using dialogue = new Dialogue(gateway);
  const pgw = () => startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
  const first = pgw();
  const { address: taken } = await untilOpen(first) as { address: string };
  await first.stop();
  await gateway.ip(`address add ${taken}/32 dev ${device}`);
  dialogue.clear();
  const { address } = await untilOpen(pgw()) as { address: string };
  assert.notEqual(address, taken);
  assert.deepEqual(await addressesOf(client), [`${address}/24`]);
  const declined = dialogue.messages.filter(({ type }) => type === "DECLINE");
  assert.deepEqual(declined.map(({ requested, source }) => [requested, source]), [[taken, none]]);
});
