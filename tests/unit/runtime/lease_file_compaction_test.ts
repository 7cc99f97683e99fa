import assert from "node:assert/strict";
import { LeaseFile } from "../../../mod/runtime/lease_file.ts";
import { base, inDirectory, lastOf, Memory, record, restored } from "./lease_files.ts";

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
