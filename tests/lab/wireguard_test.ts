/**
 * The example with WireGuard (`deploy/with-vpn/wireguard`): its script, as it stands in the manifest, in a gateway Pod. In
 * place of the kernel's device, which not every kernel has, stands wireguard-go's, at both ends.
 */
import assert from "node:assert/strict";
import { from, type Lab, outsideTunnel } from "./lab.ts";
import type { Namespace } from "./namespace.ts";
import { assertSeesProbes } from "./prober.ts";
import type { Process } from "./process.ts";
import { eventually, sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet } from "./topology.ts";

const labTest = labTests();
const manifest = new URL("../../deploy/with-vpn/wireguard/sidecar/pod.yaml", import.meta.url);
const overlay = { server: "198.51.100.1", client: "198.51.100.2" } as const;
const port = 51820;
/** What the manifest's script makes by itself where the kernel has WireGuard. */
const makesDevice = "ip link add wg0 mtu 1420 type wireguard";

type Keys = { readonly secret: string; readonly public: string };

labTest(
  "a gateway with WireGuard as in the manifest: clients leave through it, and not at all without it",
  async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    await assertSeesProbes(lab.stranger.captureUplink(), lab.stranger);
    const vpn = await connectWireGuard(lab);
    await startGateway(gateway, { PGW_VPN_INTERFACE: "wg0", PGW_DNS_UPSTREAMS: internet.dns.v4 });
    await untilOpen(startClient(client));
    await client.waitForSourceAddress(overlay.client);
    assert.deepEqual(await client.resolve("a.example.test"), [internet.web.v4]);

    using uplink = client.captureUplink(outsideTunnel);
    using direct = lab.captureDirect((packet) => from(client, gateway)(packet) && packet.destinationPort !== port);
    const app = await client.probe();
    vpn.kill("SIGKILL");
    await eventually("the device is gone", async () => !(await hasDevice(gateway)));
    await sleep(1_000);
    await app.stop();
    uplink.assertNone();
    direct.assertNone();
  },
);

async function connectWireGuard(lab: Lab): Promise<Process> {
  const gateway = lab.gateway(0);
  // what the lab's gateways have for a VPN otherwise
  await gateway.disconnectVpn();
  const [server, client] = [await makeKeys(gateway), await makeKeys(gateway)];
  await startDevice(lab.internet, "wgserver");
  const peer =
    `[Interface]\nPrivateKey = ${server.secret}\nListenPort = ${port}\n[Peer]\nPublicKey = ${client.public}\n` +
    `AllowedIPs = ${overlay.client}/32\n`;
  await lab.internet.exec(["wg", "setconf", "wgserver", "/dev/stdin"], { stdin: peer });
  await lab.internet.ip(`addr add ${overlay.server}/24 dev wgserver`, "link set wgserver up");

  const device = await startDevice(gateway, "wg0");
  const folder = await Deno.makeTempDir();
  try {
    const settings =
      `[Interface]\nPrivateKey = ${client.secret}\n[Peer]\nPublicKey = ${server.public}\nAllowedIPs = 0.0.0.0/0\n` +
      `Endpoint = ${internet.direct.v4}:${port}\n`;
    await Deno.writeTextFile(`${folder}/wg0.conf`, settings);
    await Deno.writeTextFile(`${folder}/address`, `${overlay.client}/32`);
    const script = (await manifestScript()).replaceAll("/etc/wireguard", folder);
    assert.ok(script.includes(makesDevice), "the manifest's script makes the device");
    await gateway.exec(["sh", "-euc", script.replace(makesDevice, "ip link set wg0 mtu 1420")]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return device;
}

/** The text behind `args:` in the manifest, as the container's shell gets it. */
async function manifestScript(): Promise<string> {
  const [, block = ""] = /args:\n +- \|\n((?: {16}.*\n)+)/.exec(await Deno.readTextFile(manifest)) ?? [];
  return block.replace(/^ {16}/gm, "");
}

/** wireguard-go, which holds the device for as long as it runs. */
async function startDevice(pod: Namespace, name: string): Promise<Process> {
  const process = pod.spawn(["wireguard-go", "-f", name], {
    env: { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: "1" },
  });
  await pod.exec(["sh", "-c", `until [ -e /sys/class/net/${name} ]; do sleep 0.01; done`]);
  return process;
}

async function hasDevice(pod: Namespace): Promise<boolean> {
  return (await pod.exec(["ip", "link", "show", "wg0"], { check: false })).code === 0;
}

async function makeKeys(pod: Namespace): Promise<Keys> {
  const secret = (await pod.exec(["wg", "genkey"])).stdout.trim();
  return { secret, public: (await pod.exec(["wg", "pubkey"], { stdin: secret })).stdout.trim() };
}
