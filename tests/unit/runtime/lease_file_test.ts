import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import type { LeaseRecord } from "../../../mod/dhcp/lease_record.ts";
import { LeaseFile } from "../../../mod/runtime/lease_file.ts";

const base = parseIpv4("172.29.0.0");

function record(index: number, until = 1_000): LeaseRecord {
  return { address: base + index, state: "bound", chaddr: Uint8Array.of(2, 0x78, 10, 0, 0, index & 0xff), until };
}

/** A new directory, gone when the test ends. */
async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function restored(directory: string): Promise<readonly LeaseRecord[]> {
  const file = LeaseFile.open(directory, { sync: false });
  await file.close();
  return file.takeRestored();
}

for (const sync of [false, true]) {
  Deno.test(`lease file: what was committed is there after a restart (sync ${sync})`, () =>
    inDirectory(async (parent) => {
      const directory = `${parent}/made/when/missing`;
      const file = LeaseFile.open(directory, { sync });
      assert.deepEqual(file.takeRestored(), []);
      await file.commit([record(1), record(2)]);
      await Promise.all([
        file.commit([record(3)]),
        file.commit([]),
        file.commit([record(4)]),
        file.commit([record(5)]),
      ]);
      assert.equal(file.problem, undefined);
      await file.close();
      assert.deepEqual(await restored(directory), [1, 2, 3, 4, 5].map((index) => record(index)));
    }));
}

Deno.test("lease file: a line that was cut short by a kill is cut off, and what follows is whole", () =>
  inDirectory(async (directory) => {
    const before = LeaseFile.open(directory, { sync: false });
    await before.commit([record(1)]);
    await before.close();
    await Deno.writeTextFile(`${directory}/leases.jsonl`, '{"address":"172.29', { append: true });
    const problems: string[] = [];
    const after = LeaseFile.open(directory, { sync: false, report: (problem) => problems.push(problem) });
    await after.commit([record(2)]);
    await after.close();
    assert.deepEqual(await restored(directory), [record(1), record(2)]);
    assert.deepEqual(problems, []);
  }));

Deno.test("lease file: damaged lines are reported, the others count", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/leases.jsonl`, "oops\n");
    const problems: string[] = [];
    const file = LeaseFile.open(directory, { sync: false, report: (problem) => problems.push(problem) });
    await file.commit([record(1)]);
    await file.close();
    assert.deepEqual(problems, [`${directory}/leases.jsonl: lines 1 (1 in all) are not leases and were left out`]);
    assert.deepEqual(await restored(directory), [record(1)]);
  }));

Deno.test("lease file: one that is there and cannot be read is not taken for an empty one", () =>
  inDirectory(async (directory) => {
    // Its first page is nowhere: reading fails with EIO.
    await Deno.symlink("/proc/self/mem", `${directory}/leases.jsonl`);
    const file = LeaseFile.open(directory, { sync: false });
    assert.match(file.problem ?? "", /in memory only.*Input\/output error/);
    await file.close();
  }));

Deno.test("lease file: a long journal is rewritten while commits go on", () =>
  inDirectory(async (directory) => {
    const file = LeaseFile.open(directory, { sync: false });
    const leases = new Map<number, LeaseRecord>();
    file.compactFrom({
      records: () => leases.values(),
      get recordCount() {
        return leases.size;
      },
    });
    const path = `${directory}/leases.jsonl`;
    let largest = 0;
    for (let round = 0; round < 100; round++) {
      const batch = Array.from({ length: 100 }, (_, index) => record((round * 37 + index) % 1_000, round));
      for (const lease of batch) leases.set(lease.address, lease);
      await file.commit(batch);
      largest = Math.max(largest, Deno.statSync(path).size);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await file.close();
    const last = new Map((await restored(directory)).map((lease) => [lease.address, lease]));
    assert.deepEqual(last, new Map([...leases.values()].map((lease) => [lease.address, lease])));
    // 10,000 lines were written; of 1,000 addresses some 6,000 are the most before a rewrite.
    assert(largest < 8_000 * 90, `${largest} bytes`);
  }));

Deno.test("lease file: a journal of nothing but different addresses is not rewritten, which would save nothing", () =>
  inDirectory(async (directory) => {
    const file = LeaseFile.open(directory, { sync: false });
    let reads = 0;
    const leases: LeaseRecord[] = [];
    const kept = {
      records: () => {
        reads++;
        return leases;
      },
      get recordCount() {
        return leases.length;
      },
    };
    file.compactFrom(kept);
    for (let index = 0; index < 20_000; index += 100) {
      const batch = Array.from({ length: 100 }, (_, place) => record(index + place));
      leases.push(...batch);
      await file.commit(batch);
    }
    assert.equal(reads, 0);
    leases.splice(10, Infinity);
    await file.commit([record(1)]);
    assert.equal(reads, 1);
    await file.close();
  }));

Deno.test("lease file: a journal that no process lived to rewrite is rewritten at the start", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/leases.jsonl`;
    for (let run = 0; run < 20; run++) {
      // It commits and is gone before it gets to anything else.
      const file = LeaseFile.open(directory, { sync: false });
      await file.commit(Array.from({ length: 2_000 }, (_, index) => record(index % 10, 2_000 * run + index)));
      await file.close();
      assert(Deno.statSync(path).size < 12_000 * 90);
    }
    const last = new Map((await restored(directory)).map(({ address, until }) => [address - base, until]));
    assert.deepEqual(last, new Map(Array.from({ length: 10 }, (_, index) => [index, 38_000 + 1_990 + index])));
  }));

Deno.test("lease file: without a place to write, memory must do, and that is said once", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    const problems: string[] = [];
    const file = LeaseFile.open(`${directory}/file/state`, { sync: true, report: (problem) => problems.push(problem) });
    file.compactFrom({ records: () => [record(1)], recordCount: 1 });
    await file.commit([record(1)]);
    await file.commit([record(2)]);
    await file.close();
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^leases are kept in memory only, .*\/file\/state cannot be used: /);
    assert.equal(file.problem, problems[0]);
  }));

Deno.test("lease file: when the place to write comes back, everything is written there", () =>
  inDirectory(async (directory) => {
    const state = `${directory}/state`;
    await Deno.writeTextFile(state, "");
    let now = 0;
    const file = LeaseFile.open(state, { sync: false, clock: () => now });
    const leases = [record(1)];
    file.compactFrom({
      records: () => leases,
      get recordCount() {
        return leases.length;
      },
    });
    await Deno.remove(state);
    now = 59_999;
    await file.commit([record(1)]);
    assert(file.problem !== undefined);
    now = 60_000;
    leases.push(record(2));
    await file.commit([record(2)]);
    assert.equal(file.problem, undefined);
    await file.close();
    assert.deepEqual(await restored(state), [record(1), record(2), record(2)]);
  }));

Deno.test("lease file: two processes do not write to one journal", () =>
  inDirectory(async (directory) => {
    const first = LeaseFile.open(directory, { sync: false });
    await first.commit([record(1)]);
    const second = LeaseFile.open(directory, { sync: false });
    assert.match(second.problem ?? "", /another process keeps its leases there/);
    assert.deepEqual(second.takeRestored(), [record(1)]);
    await second.commit([record(2)]);
    await first.commit([record(3)]);
    await Promise.all([first.close(), second.close()]);
    assert.deepEqual(await restored(directory), [record(1), record(3)]);
    await LeaseFile.open(directory, { sync: false }).close();
  }));
