import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import type { LeaseRecord } from "../../../mod/dhcp/lease_record.ts";
import { FileLock } from "../../../mod/linux/file_lock.ts";
import { encodeRecords } from "../../../mod/dhcp/lease_store.ts";
import { type KeptRecords, LeaseFile } from "../../../mod/runtime/lease_file.ts";

const base = parseIpv4("172.29.0.0");

function record(index: number, until = 1_000): LeaseRecord {
  return { address: base + index, state: "bound", chaddr: Uint8Array.of(2, 0x78, 10, 0, 0, index & 0xff), until };
}

/** What a server knows. */
class Memory implements KeptRecords {
  readonly leases = new Map<number, LeaseRecord>();

  constructor(...leases: readonly LeaseRecord[]) {
    this.take(leases);
  }

  /** Of `file`, as if clients had asked for them. */
  commit(file: LeaseFile, ...leases: readonly LeaseRecord[]): Promise<void> | undefined {
    this.take(leases);
    return file.commit(leases);
  }

  take(leases: readonly LeaseRecord[]): void {
    for (const lease of leases) this.leases.set(lease.address, lease);
  }

  records(): Iterable<LeaseRecord> {
    return this.leases.values();
  }

  get recordCount(): number {
    return this.leases.size;
  }

  restore(written: readonly LeaseRecord[]): void {
    this.take(written.filter(({ address }) => !this.leases.has(address)));
  }
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

/** The last record of each address. */
async function lastOf(directory: string): Promise<Map<number, LeaseRecord>> {
  return new Map((await restored(directory)).map((lease) => [lease.address, lease]));
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
    const memory = new Memory();
    file.compactFrom(memory);
    const path = `${directory}/leases.jsonl`;
    let largest = 0;
    for (let round = 0; round < 100; round++) {
      const batch = Array.from({ length: 100 }, (_, index) => record((round * 37 + index) % 1_000, round));
      await memory.commit(file, ...batch);
      largest = Math.max(largest, Deno.statSync(path).size);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await file.close();
    assert.deepEqual(await lastOf(directory), memory.leases);
    // 10,000 lines were written; of 1,000 addresses some 6,000 are the most before a rewrite.
    assert(largest < 8_000 * 90, `${largest} bytes`);
  }));

Deno.test("lease file: a journal of nothing but different addresses is not rewritten, which would save nothing", () =>
  inDirectory(async (directory) => {
    const file = LeaseFile.open(directory, { sync: false });
    let reads = 0;
    const memory = new class extends Memory {
      override records() {
        reads++;
        return super.records();
      }
    }();
    file.compactFrom(memory);
    for (let index = 0; index < 20_000; index += 100) {
      await memory.commit(file, ...Array.from({ length: 100 }, (_, place) => record(index + place)));
    }
    assert.equal(reads, 0);
    for (let index = 10; index < 20_000; index++) memory.leases.delete(base + index);
    await memory.commit(file, record(1));
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
    const memory = new Memory();
    file.compactFrom(memory);
    await memory.commit(file, record(1));
    await memory.commit(file, record(2));
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
    const memory = new Memory();
    file.compactFrom(memory);
    await Deno.remove(state);
    now = 999;
    await memory.commit(file, record(1));
    assert(file.problem !== undefined);
    now = 1_000;
    await memory.commit(file, record(2));
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

Deno.test("lease file: who waited for another process keeps what that one acknowledged, and the pool learns it", () =>
  inDirectory(async (directory) => {
    let now = 0;
    const first = LeaseFile.open(directory, { sync: false });
    await first.commit([record(1)]);
    const second = LeaseFile.open(directory, { sync: false, clock: () => now });
    const memory = new Memory(...second.takeRestored());
    second.compactFrom(memory);
    await memory.commit(second, record(2));
    await first.commit([record(3), record(4)]);
    now = 1_000;
    second.recover();
    assert.deepEqual([...memory.leases.values()], [record(1), record(2)]);
    await first.close();
    now = 1_999;
    second.recover();
    assert(second.problem !== undefined);
    now = 2_000;
    second.recover();
    assert.deepEqual([...memory.leases.values()], [1, 2, 3, 4].map((index) => record(index)));
    await memory.commit(second, record(5));
    assert.equal(second.problem, undefined);
    assert.deepEqual([...memory.leases.keys()].sort(), [1, 2, 3, 4, 5].map((index) => base + index));
    await second.close();
    assert.deepEqual(await lastOf(directory), memory.leases);
  }));

Deno.test("lease file: a journal that cannot be read is left as it is, and taken up when it can", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/leases.jsonl`;
    const before = LeaseFile.open(directory, { sync: false });
    await before.commit([record(1), record(2)]);
    await before.close();
    await Deno.rename(path, `${directory}/kept`);
    await Deno.symlink("/proc/self/mem", path);
    let now = 0;
    const problems: string[] = [];
    const file = LeaseFile.open(directory, {
      sync: false,
      clock: () => now,
      report: (problem) => problems.push(problem),
    });
    const memory = new Memory(...file.takeRestored());
    file.compactFrom(memory);
    now = 1_000;
    await memory.commit(file, record(3));
    assert.equal(await Deno.readLink(path), "/proc/self/mem");
    assert.equal(problems.length, 1);
    assert.equal(file.problem, problems[0]);
    await Deno.rename(`${directory}/kept`, path);
    now = 2_000;
    await memory.commit(file, record(4));
    assert.equal(file.problem, undefined);
    await file.close();
    assert.deepEqual([...(await lastOf(directory)).values()], [1, 2, 3, 4].map((index) => record(index)));
  }));

Deno.test("lease file: nobody writes between its being read and its being locked", () =>
  inDirectory(async (directory) => {
    const before = LeaseFile.open(directory, { sync: false });
    await before.commit([record(1)]);
    await before.close();
    const expected = [record(1)];
    const { readFileSync } = Deno;
    Deno.readFileSync = (path) => {
      Deno.readFileSync = readFileSync;
      const read = readFileSync(path);
      // As another process would: only with the lock.
      using lock = FileLock.take(`${directory}/lock`);
      if (lock !== undefined) {
        expected.push(record(2));
        Deno.writeFileSync(path, encodeRecords([record(2)]), { append: true });
      }
      return read;
    };
    await LeaseFile.open(directory, { sync: false }).close();
    assert.deepEqual(await restored(directory), expected);
  }));

/** A journal that is about to be rewritten: one more commit, and it is. */
async function aboutToCompact(file: LeaseFile, memory: Memory): Promise<void> {
  file.compactFrom(memory);
  const leases = Array.from({ length: 200 }, (_, index) => record(index));
  for (let lines = 0; lines < 4_400; lines += 200) await memory.commit(file, ...leases);
}

Deno.test("lease file: a journal whose successor cannot be written goes on, and is rewritten later", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/leases.jsonl`;
    let now = 0;
    const problems: string[] = [];
    const file = LeaseFile.open(directory, {
      sync: false,
      clock: () => now,
      report: (problem) => problems.push(problem),
    });
    const memory = new Memory();
    await aboutToCompact(file, memory);
    for (now of [0, 60_000]) {
      // Every write there fails for want of room.
      await Deno.symlink("/dev/full", `${path}.new`);
      await memory.commit(file, ...Array.from({ length: 200 }, (_, index) => record(index, 2_000)));
      await assert.rejects(Deno.lstat(`${path}.new`), Deno.errors.NotFound);
      await memory.commit(file, record(1, 3_000 + now));
    }
    assert.equal(file.problem, undefined);
    assert.deepEqual(problems, [`${path} grows, it cannot be rewritten: No space left on device (os error 28)`]);
    const { size } = await Deno.stat(path);
    now = 120_000;
    await memory.commit(file, record(2, 4_000));
    while ((await Deno.stat(path)).size > size / 10) await new Promise((resolve) => setTimeout(resolve, 1));
    await memory.commit(file, record(3, 5_000));
    await file.close();
    assert.deepEqual(await lastOf(directory), memory.leases);
  }));

/** While `act` runs, writes fail for want of room, each after some bytes; `fails` tells which, by their number. */
async function withoutRoom(fails: (write: number) => boolean, act: () => Promise<void> | undefined): Promise<void> {
  const { writeSync } = Deno.FsFile.prototype;
  let writes = 0;
  Deno.FsFile.prototype.writeSync = function (bytes) {
    if (!fails(++writes)) return writeSync.call(this, bytes);
    writeSync.call(this, bytes.subarray(0, 20));
    throw new Error("No space left on device (os error 28)");
  };
  try {
    await act();
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
}

Deno.test("lease file: the room that a successor takes up is the journal's when it needs it", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/leases.jsonl`;
    const problems: string[] = [];
    const file = LeaseFile.open(directory, { sync: false, report: (problem) => problems.push(problem) });
    const memory = new Memory();
    await aboutToCompact(file, memory);
    memory.commit(file, ...Array.from({ length: 200 }, (_, index) => record(index, 2_000)));
    assert((await Deno.stat(`${path}.new`)).isFile);
    // To the successor, then to the journal.
    await withoutRoom((write) => write === 2, () => memory.commit(file, record(1, 3_000)));
    await assert.rejects(Deno.stat(`${path}.new`), Deno.errors.NotFound);
    assert.equal(file.problem, undefined);
    await memory.commit(file, record(2, 4_000));
    await file.close();
    assert.match(problems.join(), /^.* grows, it cannot be rewritten: [^,]*$/);
    assert.deepEqual(await lastOf(directory), memory.leases);
  }));

Deno.test("lease file: a journal that fails leaves no half successor to take up room", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/leases.jsonl`;
    let now = 0;
    const file = LeaseFile.open(directory, { sync: false, clock: () => now });
    const memory = new Memory();
    await aboutToCompact(file, memory);
    memory.commit(file, ...Array.from({ length: 200 }, (_, index) => record(index, 2_000)));
    assert((await Deno.stat(`${path}.new`)).isFile);
    await withoutRoom(() => true, () => memory.commit(file, record(1, 3_000)));
    assert.match(file.problem ?? "", /in memory only.*No space left/);
    await assert.rejects(Deno.stat(`${path}.new`), Deno.errors.NotFound);
    const { size } = await Deno.stat(path);
    now = 59_999;
    await memory.commit(file, record(1, 3_500));
    assert(file.problem !== undefined);
    now = 60_000;
    await memory.commit(file, record(2, 4_000));
    assert.equal(file.problem, undefined);
    // Only what is not there yet needs room, so that a disk on which there is little is enough.
    assert((await Deno.stat(path)).size < size + 500);
    await file.close();
    assert.deepEqual(await lastOf(directory), memory.leases);
  }));

Deno.test("lease file: what a killed run was rewriting is removed", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/leases.jsonl.new`, "half");
    await LeaseFile.open(directory, { sync: false }).close();
    await assert.rejects(Deno.stat(`${directory}/leases.jsonl.new`), Deno.errors.NotFound);
  }));
