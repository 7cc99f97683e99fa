import assert from "node:assert/strict";
import { FileLock } from "../../../mod/linux/file_lock.ts";
import { encodeRecords } from "../../../mod/dhcp/lease_store.ts";
import { LeaseFile } from "../../../mod/runtime/lease_file.ts";
import { base, inDirectory, lastOf, Memory, record, restored } from "./lease_files.ts";

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
