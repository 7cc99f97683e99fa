/** Attacks on the overlay by Pods that are no part of it: none moves traffic, and each is shown to work where nothing stops it. */
import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac, formatMac, gatewayMac, type Mac } from "../../mod/addr/mac.ts";
import type { Lab } from "./lab.ts";
import { frame, inject, udpFrame } from "./overlay_frames.ts";
import type { Packet } from "./packet.ts";
import type { Pod } from "./pod.ts";
import { sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();
const overlayGateway = "172.29.0.1";
const attackersMac: Mac = Uint8Array.of(0x02, 0x66, 0, 0, 0, 1);
const text = (words: string) => new TextEncoder().encode(words);

/** ARP (RFC 826): the answer that `address` is at `mac`. */
function arpAnswer(to: Mac, address: string, mac: Mac, asker: string): string {
  const octets = (address: string) => address.split(".").map(Number);
  const body = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 2, ...mac, ...octets(address), ...to, ...octets(asker));
  return frame(to, mac, 0x0806, body);
}

/** A client that is open through gateway 0, while gateway 1 serves as well. */
async function openClient(lab: Lab) {
  const [client, gateway, other] = [lab.client(0), lab.gateway(0), lab.gateway(1)];
  await lab.setEndpoints([0]);
  await Promise.all([startGateway(gateway), startGateway(other)]);
  await untilOpen(startClient(client));
  await lab.setEndpoints([0, 1]);
  const { stdout } = await client.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"]);
  const leased = / (172\.29\.0\.\d+)\//.exec(stdout)?.[1] ?? "";
  return { client, gateway, other, leased, mac: clientMac(parseIpv4(client.address.v4)) };
}

const fdb = async (pod: Pod, mac: Mac) =>
  (await pod.exec(["bridge", "fdb", "show", "dev", "vxlan3150"])).stdout.split("\n").filter((line) =>
    line.startsWith(formatMac(mac))
  )
    .map((line) => /dst (\S+)/.exec(line)?.[1]);

const isVxlan = ({ protocol, destinationPort }: Packet) => protocol === 17 && destinationPort === 4789;

labTest("frames that no gateway of the client sent reach no application", async (lab) => {
  const { client, gateway, other, leased, mac } = await openClient(lab);
  const listener = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 9000 });
    console.log("ready");
    for await (const [bytes] of socket) console.log(new TextDecoder().decode(bytes));`;
  const app = client.spawn([Deno.execPath(), "eval", "--unstable-net", listener]);
  await app.waitFor(/^ready$/);
  const greeting = (words: string) =>
    udpFrame(mac, gatewayMac(parseIpv4(overlayGateway)), [overlayGateway, 5555], [leased, 9000], text(words));
  await inject(lab.stranger, client, greeting("from a stranger"));
  await inject(other, client, greeting("from another gateway"));
  await inject(lab.stranger, client, greeting("in the Pod's own name"), client);
  await inject(gateway, client, greeting("from the gateway"));
  await app.waitFor(/^from the gateway$/); // the positive control
  assert.doesNotMatch(app.output, /stranger|another|own/);
  // docs/security.md: not protected is who can forge the gateway's address.
  await inject(lab.stranger, client, greeting("in the gateway's name"), gateway);
  await app.waitFor(/^in the gateway's name$/);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
});

labTest("who claims the Pod's own address is answered within the Pod", async (lab) => {
  const { client } = await openClient(lab);
  const echo = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 9000 });
    console.log("ready");
    for await (const [bytes, from] of socket) {
      console.log(new TextDecoder().decode(bytes));
      await socket.send(bytes, from);
    }`;
  const app = client.spawn([Deno.execPath(), "eval", "--unstable-net", echo]);
  await app.waitFor(/^ready$/);
  using answers = client.captureUplink(({ protocol, sourcePort }) => protocol === 17 && sourcePort === 9000);
  await inject(lab.stranger, client, text("in the Pod's own name").toHex(), client, 9000);
  await app.waitFor(/^in the Pod's own name$/);
  answers.assertNone();
  // The positive control: a stranger is answered by the link.
  await inject(lab.stranger, client, text("in the stranger's name").toHex(), lab.stranger, 9000);
  await app.waitFor(/^in the stranger's name$/);
  assert(answers.packets().length > 0);
});

labTest("ARP and FDB poisoning move no traffic of the client, not even in the gateway's name", async (lab) => {
  const { client, gateway, mac, leased } = await openClient(lab);
  const neighbor = async (address: string) =>
    (await client.exec(["ip", "neigh", "show", address, "dev", "vxlan3150"])).stdout;
  await client.ip("neigh add 172.29.0.99 lladdr 02:55:00:00:00:01 dev vxlan3150 nud stale");
  using tunnel = client.captureUplink(isVxlan);
  for (const source of [undefined, gateway]) {
    await inject(lab.stranger, client, arpAnswer(mac, overlayGateway, attackersMac, leased), source);
    await inject(lab.stranger, client, arpAnswer(mac, "172.29.0.99", attackersMac, leased), source);
    // The positive control: a neighbour that is not pinned is moved, by who can forge the gateway's address alone.
    assert.equal((await neighbor("172.29.0.99")).includes(formatMac(attackersMac)), source !== undefined);
    assert.match(await neighbor(overlayGateway), /02:77:ac:1d:00:01 PERMANENT/);
    assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  }
  assert.deepEqual(await fdb(client, attackersMac), []);
  assert.deepEqual(new Set(tunnel.packets().map(({ destination }) => destination)), new Set([gateway.address.v4]));
});

labTest("FDB poisoning of the gateway moves no traffic of a client", async (lab) => {
  const { client, gateway, mac, leased } = await openClient(lab);
  using stolen = lab.router.capture(lab.stranger.port, (packet) => packet.direction === "out" && isVxlan(packet));
  const hello = (from: Mac) =>
    udpFrame(gatewayMac(parseIpv4(overlayGateway)), from, [leased, 9], [overlayGateway, 53], text("?"));
  await inject(lab.stranger, gateway, hello(attackersMac));
  assert.deepEqual(
    await fdb(gateway, attackersMac),
    [lab.stranger.address.v4],
    "the positive control: the kernel learns",
  );
  await inject(lab.stranger, gateway, hello(mac));
  assert.deepEqual(await fdb(gateway, mac), [client.address.v4]);
  stolen.clear();
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  stolen.assertNone();
});

labTest("a rogue DHCP server leases nothing, although it knows the transaction", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  await gateway.iptables(4, "*raw\n-A PREROUTING -i vxlan3150 -p udp --dport 67 -j DROP\nCOMMIT\n");
  using tunnel = client.captureUplink(isVxlan);
  startClient(client);
  /** A BOOTP message in UDP, IPv4, Ethernet and VXLAN. */
  const dhcpOf = ({ payload }: Packet) => payload.subarray(50);
  const isDiscover = (packet: Packet) => messageType(dhcpOf(packet)) === 1;
  const isRequest = (packet: Packet) => messageType(dhcpOf(packet)) === 3;
  const mac = clientMac(parseIpv4(client.address.v4));
  const offer = async () => {
    tunnel.clear();
    const xid = dhcpOf(await tunnel.waitFor(isDiscover)).slice(4, 8);
    return udpFrame(
      mac,
      gatewayMac(parseIpv4(overlayGateway)),
      [overlayGateway, 67],
      ["172.29.0.66", 68],
      offerOf(xid, mac),
    );
  };
  await inject(lab.stranger, client, await offer());
  await inject(lab.gateway(1), client, await offer());
  await sleep(200);
  assert.deepEqual(tunnel.packets(isRequest), []);
  const genuine = await offer();
  await inject(gateway, client, genuine);
  const request = await tunnel.waitFor(isRequest); // the positive control
  assert.ok(dhcpOf(request).toHex().includes("3204ac1d0042"), "it asks for 172.29.0.66");
});

/** DHCPOFFER of 172.29.0.66 by 172.29.0.1 (RFC 2131 table 3). */
function offerOf(xid: Uint8Array, mac: Mac): Uint8Array {
  const message = new Uint8Array(300);
  message.set([2, 1, 6, 0, ...xid]);
  message.set([172, 29, 0, 66], 16);
  message.set([172, 29, 0, 1], 20);
  message.set(mac, 28);
  const options = [
    53,
    1,
    2,
    54,
    4,
    172,
    29,
    0,
    1,
    51,
    4,
    0,
    0,
    14,
    16,
    1,
    4,
    255,
    255,
    255,
    0,
    3,
    4,
    172,
    29,
    0,
    1,
    255,
  ];
  message.set([0x63, 0x82, 0x53, 0x63, ...options], 236);
  return message;
}

/** Option 53, which `pgw` puts first; 0 where there is none. */
function messageType(message: Uint8Array): number {
  return message[240] === 53 ? message[242] ?? 0 : 0;
}
