/** Our gateway's DHCP server against other people's clients: dhclient, udhcpc, dhcpcd, systemd-networkd, npm `dhcp`, perfdhcp. */
import assert from "node:assert/strict";
import type { Pod } from "../../lab/pod.ts";
import type { Process } from "../../lab/process.ts";
import { eventually, startGateway } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { clients } from "./clients.ts";
import { device, Dialogue } from "./dialogue.ts";
import { addressesOf, connect, each, leasesOf, macOf, withPods } from "./pods.ts";

const labTest = labTests();
const names = ["dhclient", "udhcpc", "dhcpcd", "networkd", "npm"] as const;
type Name = typeof names[number];
const broadcast = "255.255.255.255";
const leaseSeconds = 12;
const settings = {
  PGW_DHCP_LEASE_TIME: String(leaseSeconds),
  PGW_DHCP_RENEWAL_TIME: "2",
  PGW_DHCP_REBINDING_TIME: "4",
  PGW_DHCP_POOL: "20-119",
  PGW_DHCP_RESERVATIONS: "/run/reservations",
};

type Peer = { readonly pod: Pod; readonly mac: string; process: Process; address: string };

labTest("our server's clients: lease, renew, rebind, NAK, release, expiry", async (lab) => {
  const gateway = lab.gateway(0);
  await Deno.writeTextFile(`${gateway.runDirectory}/reservations`, "");
  await startGateway(gateway, settings);
  await withPods(lab, names, async (pods) => {
    const peers = {} as Record<Name, Peer>;
    const talk = (name: Name) => new Dialogue(gateway, peers[name].mac);

    await each(names, async (name) => {
      const pod = pods[name];
      await connect(pod, gateway.address.v4);
      const mac = await macOf(pod);
      using dialogue = new Dialogue(gateway, mac);
      const process = await clients[name].start(pod);
      const { yiaddr: address } = await dialogue.exchange({ type: "REQUEST", destination: broadcast }, "ACK");
      assert.match(address, /^172\.29\.0\.([2-9]\d|1[01]\d)$/);
      await eventually("the address is used", async () => (await addressesOf(pod)).includes(`${address}/24`));
      await pod.exec(["ping", "-c1", "-W2", "172.29.0.1"]);
      peers[name] = { pod, mac, process, address };
    });
    assert.equal(new Set(names.map((name) => peers[name].address)).size, names.length);

    const renewing = names.filter((name) => clients[name].renews);
    await each(renewing, async (name) => {
      const { address, process } = peers[name];
      using dialogue = talk(name);
      clients[name].renew?.(process);
      const ack = await dialogue.exchange({ type: "REQUEST", ciaddr: address, destination: "172.29.0.1" }, "ACK");
      assert.equal(ack.yiaddr, address);
    });

    // What is sent to the server itself is lost: only a broadcast reaches it.
    const cut = `PREROUTING -i ${device} -d 172.29.0.1 -p udp --dport 67 -j DROP`;
    await gateway.iptables(4, `*raw\n-A ${cut}\nCOMMIT\n`);
    await each(renewing, async (name) => {
      const { address, process } = peers[name];
      using dialogue = talk(name);
      clients[name].renew?.(process);
      const ack = await dialogue.exchange({ type: "REQUEST", ciaddr: address, destination: broadcast }, "ACK");
      assert.equal(ack.yiaddr, address);
    });
    await gateway.iptables(4, `*raw\n-D ${cut}\nCOMMIT\n`);

    // From now on another address is each one's: whoever comes with the former one is refused, whether it was ended by
    // force and remembers the address (INIT-REBOOT), or renews its lease.
    await each(renewing, async (name) => {
      if (clients[name].remembers) await peers[name].pod.killAll();
    });
    const reserved = (name: Name) => `172.29.0.${150 + names.indexOf(name)}`;
    const reservations = renewing.map((name) => `${reserved(name)} mac=${peers[name].mac}\n`).join("");
    await Deno.writeTextFile(`${gateway.runDirectory}/reservations`, reservations);
    const [server] = gateway.processes;
    await server!.waitForLog(({ count }) => count === renewing.length);
    await each(renewing, async (name) => {
      const { pod, address } = peers[name];
      using dialogue = talk(name);
      const { remembers, start, renew } = clients[name];
      if (remembers) peers[name].process = await start(pod);
      else renew?.(peers[name].process);
      const former = remembers ? { requested: address } : { ciaddr: address };
      await dialogue.exchange({ type: "REQUEST", server: "0.0.0.0", ...former }, "NAK");
      const { yiaddr } = await dialogue.exchange({ type: "DISCOVER" }, "ACK");
      assert.equal(yiaddr, reserved(name));
      await eventually("the new address is used", async () => (await addressesOf(pod)).includes(`${yiaddr}/24`));
      peers[name].address = yiaddr;
    });

    await each(renewing, async (name) => {
      const { pod, process, address } = peers[name];
      using dialogue = talk(name);
      await clients[name].release!(pod, process);
      await dialogue.waitFor({ type: "RELEASE", ciaddr: address });
      await eventually("released", async () => await stateOf(gateway, address) === "released");
    });

    // Those come back, and vanish without a word; npm's client never asked again.
    await each(renewing, async (name) => {
      const { pod } = peers[name];
      using dialogue = talk(name);
      await clients[name].start(pod);
      const { yiaddr } = await dialogue.exchange({ type: "REQUEST" }, "ACK");
      peers[name].address = yiaddr;
      await pod.killAll();
    });
    await each(names, (name) => {
      const isExpired = async () => await stateOf(gateway, peers[name].address) === "expired";
      return eventually("its lease ends", isExpired, 3 * leaseSeconds * 1_000).then(() => {});
    });
  });
}, { timeoutMs: 120_000 });

labTest("perfdhcp: some hundred exchanges, renewals and releases, and no drop", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await startGateway(gateway);
  await connect(client, gateway.address.v4);
  // It speaks as a relay inside the network, for 200 clients.
  await client.ip(`address add 172.29.0.2/24 dev ${device}`);
  const rates = ["-r", "200", "-f", "100", "-F", "20"];
  const { stdout } = await client.exec(
    ["perfdhcp", "-4", "-l", device, "-R", "200", ...rates, "-n", "400", "-W", "1000000", "172.29.0.1"],
    { check: false, timeoutMs: 40_000 },
  );
  const report =
    /^\*{3}Statistics for: (\S+-\S+.*?)\*{3}\nsent packets: (\d+)\nreceived packets: (\d+)\ndrops: (\d+)$/gm;
  const exchanges = [...stdout.matchAll(report)].map(([, name, ...counts]) => ({ name, counts: counts.map(Number) }));
  const names = ["DISCOVER-OFFER", "REQUEST-ACK", "REQUEST-ACK (renewal)"];
  assert.deepEqual(exchanges.map(({ name }) => name), names, stdout);
  for (const { name, counts: [sent = 0, received, drops] } of exchanges) {
    // On a busy machine it begins some more than it was told to.
    assert.ok(sent >= (name === "REQUEST-ACK (renewal)" ? 50 : 400), stdout);
    assert.deepEqual([received, drops], [sent, 0], stdout);
  }
  assert.ok((await leasesOf(gateway)).some(({ state }) => state === "released"), stdout);
});

/** As `pgw leases` tells it. */
async function stateOf(gateway: Pod, address: string): Promise<string | undefined> {
  return (await leasesOf(gateway)).find((lease) => lease.address === address)?.state;
}
