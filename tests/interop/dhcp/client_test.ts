/** Our client against other people's DHCP servers: dnsmasq, Kea, ISC dhcpd, udhcpd, npm `dhcp`. */
import assert from "node:assert/strict";
import { eventually, sleep, startClient, untilClosed, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { startSeedGateway } from "../seed_gateway.ts";
import { device, Dialogue } from "./dialogue.ts";
import { addressesOf, each, withPods } from "./pods.ts";
import { servers, takenAddress } from "./servers.ts";

const labTest = labTests();
const names = ["dnsmasq", "kea", "dhcpd", "udhcpd", "npm"] as const;
const broadcast = "255.255.255.255";

labTest("our client's servers: lease, renew, rebind, NAK, expiry, release", async (lab) => {
  const clients = names.map((name) => `${name}-client` as const);
  await withPods(lab, [...names, ...clients], (pods) =>
    each(names, async (name) => {
      const [gateway, client, server] = [pods[name], pods[`${name}-client`], servers[name]];
      await startSeedGateway(gateway, []);
      // What they broadcast (a DHCPNAK, some an offer) goes where this VXLAN is told to send it.
      const flood = ["fdb", "append", "00:00:00:00:00:00", "dev", device, "dst", client.address.v4];
      await gateway.exec(["bridge", ...flood]);
      const process = await server.start(gateway);
      using dialogue = new Dialogue(gateway);

      const start = () => startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
      let pgw = start();
      const { address } = await untilOpen(pgw) as { address: string };
      assert.match(address, /^172\.29\.0\.[2-9]\d$/);
      assert.notEqual(address, takenAddress);
      assert.deepEqual(await addressesOf(client), [`${address}/24`]);

      const renewal = await dialogue.exchange({ type: "REQUEST", ciaddr: address, destination: "172.29.0.1" }, "ACK");
      assert.equal(renewal.yiaddr, address);

      // What is sent to the server itself is lost: only a broadcast reaches it.
      const cut = "OUTPUT -d 172.29.0.1 -p udp --dport 67 -j DROP";
      await client.iptables(4, `*raw\n-A ${cut}\nCOMMIT\n`);
      const rebind = { type: "REQUEST", ciaddr: address, source: address, destination: broadcast } as const;
      const rebinding = await dialogue.exchange(rebind, "ACK");
      assert.equal(rebinding.yiaddr, address);
      await client.iptables(4, `*raw\n-D ${cut}\nCOMMIT\n`);

      // A process that follows one that was killed finds an address that is not its own.
      await pgw.stop("SIGKILL");
      dialogue.clear();
      await client.sysctl(`net.ipv4.conf.${device}.promote_secondaries=1`); // its routes stay
      await client.ip(`address add ${takenAddress}/24 dev ${device}`, `address delete ${address}/24 dev ${device}`);
      pgw = start();
      const reboot = { type: "REQUEST", requested: takenAddress, server: "0.0.0.0", destination: broadcast } as const;
      await dialogue.exchange(reboot, server.refuses ? "NAK" : "ACK");
      await untilOpen(pgw);
      // A client that heard nothing would ask three times before it goes on to another address.
      const heard = dialogue.messages.findIndex(({ type }) => type === "DISCOVER");
      const asked = dialogue.messages.slice(0, heard).filter(({ requested }) => requested === takenAddress);
      if (server.refuses) assert.ok(heard > 0 && asked.length < 3, JSON.stringify(dialogue.messages));
      assert.deepEqual(await addressesOf(client), [`${address}/24`]);

      if (server.longLeases !== true) {
        const lines = pgw.lines.length;
        await process.stop("SIGKILL");
        assert.equal((await untilClosed(pgw, lines)).reason, "the lease is lost: expired");
        await eventually("the address is gone", async () => (await addressesOf(client)).length === 0);
        await server.start(gateway);
        await untilOpen(pgw, lines);
      }

      await pgw.stop();
      await dialogue.waitFor({ type: "RELEASE", ciaddr: address, server: "172.29.0.1", destination: "172.29.0.1" });
      if (server.released !== undefined) await gateway.processes.at(-1)!.waitFor(server.released);
    }));
}, { timeoutMs: 120_000 });

/** T1 and T2 are those of the configuration (2 s, 4 s) where the lease is longer. */
const shortLeases = [3, 4, 5, 200];

labTest("a lease that is renewed lasts in the kernel as well, however little a renewal adds", async (lab) => {
  const names = shortLeases.map((seconds) => `${seconds}s`);
  await withPods(lab, names.flatMap((name) => [name, `${name}-client`]), (pods) =>
    each(names, async (name) => {
      const [gateway, client] = [pods[name]!, pods[`${name}-client`]!];
      await startSeedGateway(gateway, []);
      const seconds = Number.parseInt(name);
      const more =
        `default-lease-time ${seconds}; max-lease-time ${seconds}; min-lease-time 1; dhcp-cache-threshold 0;\n`;
      await servers.dhcpd.start(gateway, more);
      using dialogue = new Dialogue(gateway);
      const pgw = startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
      await untilOpen(pgw);
      for (const end = performance.now() + 15_000; performance.now() < end; await sleep(100)) {
        assert.equal((await addressesOf(client)).length, 1, "it has its address");
      }
      const { stdout } = await client.exec(["ip", "-4", "address", "show", "dev", device]);
      const left = Number(/valid_lft (\d+)sec/.exec(stdout)?.[1]);
      assert.ok(left > seconds - 5, `${left} s are left`);
      assert.ok(dialogue.messages.filter(({ type }) => type === "ACK").length > 4);
      assert.deepEqual(pgw.logs.filter(({ message }) => /^(closed|moving|put back)/.test(String(message))), []);
    }));
});
