/** A 1,500-byte world through a 1,420-byte VPN, where nobody hears that a packet is too big. */
import assert from "node:assert/strict";
import type { Lab } from "./lab.ts";
import { host } from "./namespace.ts";
import { scriptCommand } from "./program.ts";
import { startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { nodeAddress } from "./topology.ts";

const labTest = labTests();
const vpnMtu = 1_420;
const size = 10 * 1024 * 1024;
/** A server beyond the VPN's far end: that one knows the MTU, the server does not. */
const server = `http://${nodeAddress.v4}:8080`;

labTest("10 MB each way through a VPN of smaller MTU, with path MTU discovery broken", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const pgw = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  await untilOpen(startClient(client, { PGW_CLIENT_PING_INTERVAL: "10" }));
  const web = lab.router.spawn(scriptCommand("web_main.ts", "8080", nodeAddress.v4));
  await web.waitFor(/^ready$/);
  // The lab's VPN is an Ethernet: its far end stands for what is behind it.
  await lab.internet.sysctl("net.ipv4.conf.vpn-gateway0.proxy_arp=1");
  assert.equal(await client.fetchSourceAddress(`${server}/`), gateway.vpnAddress.v4);
  await breakPath(lab);
  try {
    await client.exec(["sh", "-c", `head -c ${size} /dev/zero > /run/upload`]);

    // The positive control: without our rules, which pgw would put back at once, big segments vanish in both directions.
    pgw.kill("SIGSTOP");
    await gateway.iptables(4, "*filter\n-D PGW-FORWARD 1\nCOMMIT\n");
    assert.equal(await transfer(lab, 2), "nothing arrives");
    assert.equal(await client.fetchSourceAddress(`${server}/`), gateway.vpnAddress.v4, "small packets do");
    pgw.kill("SIGCONT");
    await mended(lab);
    assert.equal(await transfer(lab, 60), "all arrived");
  } finally {
    await web.stop("SIGKILL");
    await lab.internet.iptables(4, `*raw\n-D OUTPUT ${tooBig}\nCOMMIT\n`);
    await host(["ip", "-n", lab.internet.name, "link", "set", "vpn-gateway0", "mtu", "1500"]);
  }
}, { timeoutMs: 180_000 });

/** "Fragmentation needed" (RFC 792, type 3 code 4). */
const tooBig = "-p icmp -m icmp --icmp-type 3/4 -j DROP";

/** The VPN has its MTU at both ends, and what says that a packet was too big is lost on the way. */
async function breakPath(lab: Lab): Promise<void> {
  const gateway = lab.gateway(0);
  await gateway.ip(`link set vpn0 mtu ${vpnMtu}`);
  await host(["ip", "-n", lab.internet.name, "link", "set", "vpn-gateway0", "mtu", String(vpnMtu)]);
  for (const namespace of [lab.internet, gateway]) {
    await namespace.iptables(4, `*raw\n-A OUTPUT ${tooBig}\nCOMMIT\n`);
  }
}

/** The gateway puts its rules back by itself. */
async function mended(lab: Lab): Promise<void> {
  const clamp = "until iptables -S PGW-FORWARD | grep -q TCPMSS; do sleep 0.1; done";
  await lab.gateway(0).exec(["sh", "-c", clamp]);
}

/** Down and up at once, `seconds` long at most. */
async function transfer(lab: Lab, seconds: number): Promise<string> {
  const curl = ["curl", "-sS", "--max-time", String(seconds)];
  const [down, up] = await Promise.all([
    lab.client(0).exec([...curl, "-o", "/dev/null", "-w", "%{size_download}", `${server}/bytes/${size}`], {
      check: false,
      timeoutMs: 90_000,
    }),
    lab.client(0).exec([...curl, "-T", "/run/upload", `${server}/`], { check: false, timeoutMs: 90_000 }),
  ]);
  const [downloaded, uploaded] = [Number(down.stdout), Number(up.stdout)];
  if (downloaded === size && uploaded === size) return "all arrived";
  return downloaded === 0 && uploaded === 0 ? "nothing arrives" : `${downloaded} bytes down, ${uploaded} up`;
}
