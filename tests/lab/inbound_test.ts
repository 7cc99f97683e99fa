/** Whoever reaches the Pod is answered the way he came, in every phase, while what the Pod itself opens is kept in. */
import assert from "node:assert/strict";
import { type Lab, outsideTunnel } from "./lab.ts";
import { host, Namespace } from "./namespace.ts";
import type { Pod } from "./pod.ts";
import { scriptCommand } from "./program.ts";
import { eventually, says, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, serviceAddress } from "./topology.ts";

for (const cni of ["ptp", "calico"] as const) {
  labTests({ cni })("inbound connections from far are answered, by IPv4 and IPv6, closed and open", async (lab) => {
    const client = lab.client(0);
    await serve(client, "0.0.0.0", client.address.v6);
    await lab.setEndpoints([]);
    const pgw = startClient(client);
    await untilClosedFirst(client);
    const check = async (phase: string) => {
      assert.equal(await ask(lab, "203.0.113.11:8080"), internet.web.v4, phase);
      assert.equal(await ask(lab, `[${client.address.v6}]:8080`), internet.web.v6, phase);
      assert.equal(await ask(lab, `[${client.address.v6}]:1`), "refused", `${phase}: a closed port`);
      const ping = ["ping", "-6", "-c1", "-W2", "-I", internet.web.v6, client.address.v6];
      assert.equal((await lab.internet.exec(ping, { check: false })).code, 0, phase);
    };
    await check("closed");
    await startGateway(lab.gateway(0));
    await lab.setEndpoints([0]);
    await untilOpen(pgw);
    await check("open");

    // What the Pod opens by IPv6 fails at once, as if there was none, and nothing of it is seen.
    using leaks = client.captureUplink((packet) => outsideTunnel(packet) && packet.destination === internet.web.v6);
    const url = `http://[${internet.web.v6}]/`;
    for (const options of [[], ["--interface", client.address.v6]]) {
      const { code, stdout } = await client.exec(
        ["curl", "-gsS", "--max-time", "5", "-w", "%{time_total}", ...options, url],
        { check: false },
      );
      assert.equal(code, 7, `refused, not waited for: ${stdout} s`);
    }
    assert.equal(await client.fetchSourceAddress(`http://web.example.test/`), lab.gateway(0).vpnAddress.v4, "by IPv4");
    leaks.assertNone();
    // With the firewall gone, routing stands: also for a socket that is bound to the Pod's own address.
    await client.iptables(6, "*filter\n-F OUTPUT\nCOMMIT\n");
    await client.exec(["curl", "-gsS", "--max-time", "1", "--interface", client.address.v6, url], { check: false });
    leaks.assertNone();
  });
}

const labTest = labTests();

labTest("a neighbour is answered by the link", async (lab) => {
  const [client, neighbour] = [lab.client(0), lab.stranger];
  await serve(client, "0.0.0.0");
  await lab.setEndpoints([]);
  startClient(client);
  await untilClosedFirst(client);
  await lab.router.sysctl("net.ipv4.ip_forward=0"); // what would go by the router does not arrive
  try {
    assert.equal(await neighbour.fetchSourceAddress(`http://${client.address.v4}:8080/`), neighbour.address.v4);
  } finally {
    await lab.router.sysctl("net.ipv4.ip_forward=1");
  }
});

labTest(
  "a port that a nested container publishes is answered, its DNS is led to the gateway, and nothing else of it leaves",
  async (lab) => {
    const client = lab.client(0);
    await startGateway(lab.gateway(0));
    await lab.setEndpoints([0]);
    const nested = new Namespace(`${client.name}-nested`);
    await nested.create();
    try {
      // As Docker in the Pod does it.
      const veth = ["ip", "link", "add", "docker0", "netns", client.name, "type", "veth", "peer", "name", "eth0"];
      await host([...veth, "netns", nested.name]);
      await client.ip("addr add 172.17.0.1/16 dev docker0", "link set docker0 up");
      await nested.ip("addr add 172.17.0.2/16 dev eth0", "link set eth0 up", "route add default via 172.17.0.1");
      await client.sysctl("net.ipv4.ip_forward=1");
      const publish = "-A PREROUTING -i eth0 -p tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:8080";
      await client.iptables(
        4,
        `*nat\n${publish}\n-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n`,
      );
      await nested.spawn(scriptCommand("web_main.ts", "8080", "172.17.0.2")).waitFor(/^ready$/);
      const pgw = startClient(client);
      await untilOpen(pgw);
      using leaks = client.captureUplink((packet) => outsideTunnel(packet) && packet.sourcePort !== 8081);
      assert.equal(await ask(lab, "203.0.113.11:8081"), internet.web.v4, "from far");
      const curl = ["curl", "-sS", "--max-time", "3", `http://${internet.web.v4}/`];
      assert.equal((await nested.exec(curl)).stdout.trim(), lab.gateway(0).vpnAddress.v4, "it leaves by the tunnel");
      for (const server of [serviceAddress.dns, "203.0.113.99"]) {
        const dig = ["dig", "+short", "+tries=1", "+time=3", `@${server}`, "web.test.svc.cluster.local"];
        assert.equal((await nested.exec(dig)).stdout.trim(), serviceAddress.web, `asked of ${server}`);
      }

      // The rules for such answers come and go with the interface that they come in by.
      const mangle = async () => (await client.exec(["iptables", "-t", "mangle", "-S"])).stdout;
      await client.ip("link set docker0 down");
      await eventually("no rule for answers", async () => !(await mangle()).includes("PGW-PREROUTING"));
      await client.ip("link set docker0 up");
      await eventually("rules for answers", async () => (await mangle()).includes("PGW-PREROUTING"));
      assert.equal(await ask(lab, "203.0.113.11:8081"), internet.web.v4, "from far, when it is up again");
      assert(!pgw.logs.some(says("put back")), "nobody else changed anything");
      leaks.assertNone();
    } finally {
      await nested.destroy();
    }
  },
);

labTest("PGW_CLIENT_FOREIGN_DNS=reject: any other server is refused at once, and names still resolve", async (lab) => {
  const client = lab.client(0);
  await startGateway(lab.gateway(0));
  await lab.setEndpoints([0]);
  await untilOpen(startClient(client, { PGW_CLIENT_FOREIGN_DNS: "reject" }));
  assert.deepEqual(await client.resolve("web"), [serviceAddress.web], "by the Pod's resolv.conf");
  assert.deepEqual(await client.resolve("web.example.test"), [internet.web.v4]);
  for (const server of [serviceAddress.dns, internet.dns.v4]) {
    for (const protocol of ["+notcp", "+tcp"]) {
      const dig = ["dig", protocol, "+tries=1", "+time=5", `@${server}`, "web.example.test"];
      const { code, stdout } = await client.exec(dig, { check: false });
      assert.notEqual(code, 0, server);
      assert.doesNotMatch(stdout, /timed out/, `${server} ${protocol}: at once`);
    }
  }
});

async function serve(pod: Pod, ...addresses: string[]): Promise<void> {
  await pod.spawn(scriptCommand("web_main.ts", "8080", ...addresses)).waitFor(/^ready$/);
}

/** The first rules stand in both families, and the routes. */
async function untilClosedFirst(pod: Pod): Promise<void> {
  await eventually("closed", async () => (await pod.exec(["ip", "-6", "rule"])).stdout.includes("lookup 3153"));
}

/** Asks from the internet: what the web server saw as the source, or `refused`, or how curl failed. */
async function ask(lab: Lab, server: string): Promise<string> {
  const from = server.startsWith("[") ? internet.web.v6 : internet.web.v4;
  const curl = ["curl", "-gsSf", "--max-time", "3", "--interface", from, `http://${server}/`];
  const { code, stdout } = await lab.internet.exec(curl, { check: false });
  return code === 0 ? stdout.trim() : code === 7 ? "refused" : `curl code ${code}`;
}
