/** Members of the overlay that speak in another's name: a client's lease is ended, moved and prolonged by nobody but it. */
import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { clientMac, formatMac, gatewayMac, type Mac } from "../../../mod/addr/mac.ts";
import { encodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { inject, udpFrame } from "../../lab/overlay_frames.ts";
import type { Pod } from "../../lab/pod.ts";
import { eventually, says, startClient, startGateway, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { parse } from "../../scenario/dhcp_text.ts";
import { leasesOf } from "./pods.ts";

const labTest = labTests();
const server = "172.29.0.1";
const attacker: Mac = Uint8Array.of(0x02, 0x66, 0, 0, 0, 1);

labTest("a client's lease is ended and moved by nobody but itself", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  const { address } = await untilOpen(startClient(client)) as { address: string };
  const victim = clientMac(parseIpv4(client.address.v4));
  const itsId = `id=01:${formatMac(victim)}`;
  /** A message of whoever has the hardware address `from`, and says that it is `chaddr`. */
  const message = (line: string, from: Mac, chaddr: Mac) => {
    const payload = encodeDhcp(parse(`${line} ${itsId}`, { op: 1, xid: 1, chaddr }));
    return udpFrame(gatewayMac(parseIpv4(server)), from, [address, 68], [server, 67], payload);
  };
  const held = async () => (await leasesOf(gateway)).find((lease) => lease.address === address);
  const release = `DHCPRELEASE ciaddr=${address} server=${server}`;
  const messages = [
    release,
    `DHCPDECLINE requested=${address} server=${server}`,
    `DHCPREQUEST ciaddr=${address}`,
    "DHCPDISCOVER rapid",
  ];
  const before = await held();
  for (
    const [way, from, chaddr, relay, counted] of [
      ["a frame of its own", attacker, victim, "", "foreign_hardware_address"],
      // The kernel drops it: the client's MAC is pinned to where the client is.
      ["a frame in the client's name", victim, victim, "", undefined],
      ["a relay's message", attacker, victim, "giaddr=172.29.0.99", "foreign_hardware_address"],
      // It is served as what it is: the address is another's.
      ["the client's identifier", attacker, attacker, "", "refused"],
    ] as const
  ) {
    const count = await counts(gateway);
    const attacks = messages.map((line) => message(`${line} ${relay}`.trim(), from, chaddr));
    await Promise.all(attacks.map((attack) => inject(lab.stranger, gateway, attack)));
    assert.deepEqual(await held(), before, way);
    const after = await counts(gateway);
    if (counted === undefined) assert.deepEqual(after, count, way);
    else assert.ok((after[counted] ?? 0) > (count[counted] ?? 0), way);
  }
  await gateway.processes[0]!.waitForLog(says("somebody in the tunnel sends DHCP messages in the name of another"));
  // The positive control: the same, from where the client is.
  await inject(client, gateway, message(release, victim, victim));
  await eventually("released", async () => (await held())?.state === "released");
});

/** DHCP messages by what became of them. */
async function counts(gateway: Pod): Promise<Readonly<Record<string, number>>> {
  const { stdout } = await gateway.exec(["curl", "-sf", "http://127.0.0.1:3150/metrics"]);
  const samples = stdout.matchAll(/^pgw_dhcp_messages_total\{result="(.*?)"\} (\d+)$/gm);
  return Object.fromEntries([...samples].map(([, result, count]) => [result, Number(count)]));
}
