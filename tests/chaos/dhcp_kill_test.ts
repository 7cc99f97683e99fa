import assert from "node:assert/strict";
import { formatIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac, formatMac } from "../../mod/addr/mac.ts";
import { decodeJournal } from "../../mod/dhcp/lease_store.ts";

/** `PGW_TEST_KILLS` for fewer. */
const kills = Number(Deno.env.get("PGW_TEST_KILLS") ?? 500);

Deno.test(`dhcp: ${kills} times killed in the middle of a storm, no acknowledged lease is lost or doubled`, async () => {
  const directory = await Deno.makeTempDir();
  const storm = new URL("dhcp_storm.ts", import.meta.url).pathname;
  // The lock of the directory is the C library's.
  const rights = ["--allow-read", "--allow-ffi", `--allow-write=${directory}`];
  const acknowledged = { off: 0, always: 0 };
  let compactions = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      const sync = kill % 4 === 3 ? "always" : "off";
      const promised = new Map<string, { client: string; until: number }>();
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", ...rights, storm, directory, sync],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      let text = "";
      let timer: ReturnType<typeof setTimeout> | undefined;
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        // Some milliseconds after the first answers: while it writes, and sometimes while it rewrites.
        timer ??= setTimeout(() => child.kill("SIGKILL"), Math.random() * 60);
      }
      assert.equal((await child.status).signal, "SIGKILL");
      clearTimeout(timer);
      for (const line of text.slice(0, text.lastIndexOf("\n")).split("\n").slice(1)) {
        const [address = "", number = "", until = ""] = line.split(" ");
        promised.set(address, { client: formatMac(clientMac(0x0a000000 + Number(number))), until: Number(until) });
        acknowledged[sync]++;
      }
      const journal = decodeJournal(await Deno.readFile(`${directory}/leases.jsonl`));
      assert.deepEqual(journal.damagedLines, []);
      assert(journal.records.length < 30_000, "the journal grows from kill to kill");
      const last = new Map(journal.records.map((record) => [formatIpv4(record.address), record]));
      for (const [address, { client, until }] of promised) {
        const record = last.get(address);
        assert(record !== undefined && formatMac(record.chaddr) === client, `${address} was ${client}'s`);
        // Later than promised: an acknowledgement that did not leave any more.
        assert(record.until >= until, `the lease on ${address} got shorter`);
      }
      const bound = [...last.values()].filter(({ state }) => state === "bound").map(({ chaddr }) => formatMac(chaddr));
      assert.equal(new Set(bound).size, bound.length, "a client has two leases");
      if (await exists(`${directory}/leases.jsonl.new`)) compactions++;
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  const { off, always } = acknowledged;
  console.log(
    `${off + always} acknowledgements (${always} synced), ${compactions} kills during a rewrite of the journal`,
  );
  assert(off > 100 * kills * 3 / 4);
  // The disk's own pace.
  assert(always > 0);
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
