/** The gateway killed in the middle of a storm of perfdhcp's: each lease that was acknowledged on the wire is kept. */
import assert from "node:assert/strict";
import { formatIpv4 } from "../../../mod/addr/ipv4.ts";
import { decodeJournal } from "../../../mod/dhcp/lease_store.ts";
import { decodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { messageTypes, optionCodes, readU8 } from "../../../mod/wire/dhcpv4_options.ts";
import { DhcpWorld, overlay } from "../../bench/dhcp/world.ts";

/** `PGW_TEST_KILLS` for more. */
const kills = Number(Deno.env.get("PGW_TEST_KILLS") ?? 500);
/** Exchanges that are begun each second, by so many clients. */
const [rate, clients] = [1_000, 2_000];
/** Milliseconds after its first answers. */
const longestLife = 300;

Deno.test(`the program is killed ${kills} times in a storm, and no acknowledged lease is lost or doubled`, async () => {
  const world = await DhcpWorld.create();
  let acknowledgements = 0;
  try {
    await world.prepare();
    const holders = new Map<string, string>();
    for (let kill = 0; kill < kills; kill++) {
      const { process } = world.spawnPgw();
      await world.untilReady();
      using answers = world.load.capture(overlay.device, ({ direction, sourcePort }) => {
        return direction === "in" && sourcePort === 67;
      });
      const load = ["-4", "-l", overlay.device, "-r", `${rate}`, "-R", `${clients}`, "-p", "5", overlay.server];
      const storm = world.load.spawn(["perfdhcp", ...load]);
      await answers.waitFor(() => true);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestLife));
      await process.stop("SIGKILL");
      await storm.stop("SIGKILL");

      const promised = answers.take().map(({ payload }) => decodeDhcp(payload))
        .filter(({ options }) => readU8(options, optionCodes.messageType) === messageTypes.ack);
      acknowledgements += promised.length;
      for (const { yiaddr, chaddr } of promised) {
        const [address, client] = [formatIpv4(yiaddr), chaddr.toHex()];
        assert.equal(holders.get(address) ?? client, client, `${address} was given twice`);
        holders.set(address, client);
      }
      const { records, damagedLines } = decodeJournal(await Deno.readFile(`${world.directory}/pgw/leases.jsonl`));
      assert.deepEqual(damagedLines, []);
      const last = new Map(records.map((record) => [formatIpv4(record.address), record]));
      for (const [address, client] of holders) {
        assert.equal(last.get(address)?.chaddr.toHex(), client, `${address} was ${client}'s`);
      }
      const bound = [...last.values()].filter(({ state }) => state === "bound").map(({ chaddr }) => chaddr.toHex());
      assert.equal(new Set(bound).size, bound.length, "a client has two leases");
    }
  } finally {
    await world.destroy();
  }
  console.log(`${acknowledgements} acknowledgements seen on the wire`);
  assert(acknowledgements > 20 * kills);
});
