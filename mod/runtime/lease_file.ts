/** The journal of leases on disk. */

import { type LeaseRecord, replay } from "../dhcp/lease_record.ts";
import { decodeJournal, encodeRecords, type Journal } from "../dhcp/lease_store.ts";
import { FileLock } from "../linux/file_lock.ts";
import { Writer } from "../wire/bytes.ts";
import { inTurns } from "./in_turns.ts";
import { writeAllSync } from "./write_all.ts";

export type LeaseFileOptions = {
  /** Whether each commit waits for the disk (PGW_STATE_SYNC=always). Without, a power cut may lose the last moment. */
  readonly sync: boolean;
  /** Called with a sentence for the log when the disk stops taking leases, and when it turns out to be damaged. */
  readonly report?: (problem: string) => void;
  /** Milliseconds of any clock. */
  readonly clock?: () => number;
};

/** A journal is rewritten when it has this many lines more than twice what is worth keeping. */
const spareLines = 4_096;
/**
 * One with twice that many was never rewritten while it was written, because the process did not live for long enough. It
 * is rewritten before anything else, or a gateway in a loop of crashes would fill the disk and start slower every time.
 */
function isOverlong(lines: number, addresses: number): boolean {
  return lines > 2 * (2 * addresses + spareLines);
}
/** Lines that a rewrite writes at once: some 0.2 ms of work, during which no client is answered. */
const pieceLines = 64;
/** After a failure everything is in memory alone; every so many milliseconds the disk is tried again. */
const retryInterval = 60_000;

/** All that is worth keeping, as it is when it is read. */
export type KeptRecords = {
  records(): Iterable<LeaseRecord>;
  /** How many those are. */
  readonly recordCount: number;
};

/**
 * Appends records to `leases.jsonl` in a directory. What was committed survives `kill -9`: it is in the kernel's hands.
 *
 * When the directory cannot be used, or another process writes there, all goes on in memory, `problem` says why, and
 * the disk is tried again later.
 */
export class LeaseFile {
  /** Why leases are in memory only; `undefined` while commits reach the disk. */
  problem: string | undefined;

  readonly #directory: string;
  readonly #sync: boolean;
  readonly #report: (problem: string) => void;
  readonly #clock: () => number;
  /** For what is committed, which is little at a time. */
  readonly #writer = new Writer(Infinity);
  #restored: readonly LeaseRecord[] = [];
  #lock: FileLock | undefined;
  #file: Deno.FsFile | undefined;
  /** The successor of the journal while it is written. */
  #successor: Deno.FsFile | undefined;
  #lines = 0;
  #retryAt = 0;
  #kept: KeptRecords | undefined;
  #compaction: Promise<void> = Promise.resolve();
  #syncing: { readonly running: Promise<void>; next: Promise<void> | undefined } | undefined;
  #closed = false;

  /** Reads what an earlier run left in `directory`, which is made if it is missing, and goes on behind it. */
  static open(directory: string, options: LeaseFileOptions): LeaseFile {
    return new LeaseFile(directory, options);
  }

  private constructor(directory: string, { sync, report = () => {}, clock = Date.now }: LeaseFileOptions) {
    this.#directory = directory;
    this.#sync = sync;
    this.#report = report;
    this.#clock = clock;
    try {
      const { records, damagedLines, intactLength } = readJournal(this.#path);
      this.#restored = records;
      if (damagedLines.length > 0) {
        report(
          `${this.#path}: lines ${
            damagedLines.slice(0, 10).join(", ")
          } (${damagedLines.length} in all) are not leases and were left out`,
        );
      }
      this.#lines = records.length;
      this.#takeLock();
      this.#file = Deno.openSync(this.#path, { append: true, create: true, mode: 0o600 });
      // What was cut short when the last run was killed must not become the beginning of a line.
      if (this.#file.statSync().size > intactLength) this.#file.truncateSync(intactLength);
      // The file itself must be there after a power cut too.
      if (sync) syncDirectory(directory);
      const addresses = new Set(records.map(({ address }) => address)).size;
      if (isOverlong(this.#lines, addresses)) this.#rewrite(replay(records, () => true));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The records of earlier runs, in order; they are kept until they are taken, which can be done once. */
  takeRestored(): readonly LeaseRecord[] {
    const restored = this.#restored;
    this.#restored = [];
    return restored;
  }

  /** From now on the journal is rewritten from `kept` when it got long. */
  compactFrom(kept: KeptRecords): void {
    this.#kept = kept;
    this.#compactWhenLong();
  }

  /**
   * When it has returned, or what it returned has resolved, `records` are safe, in order. Never rejects: without a disk,
   * memory must do.
   */
  commit(records: readonly LeaseRecord[]): Promise<void> | undefined {
    if (records.length === 0) return undefined;
    if (this.#file === undefined && !this.#recover()) return undefined;
    const bytes = encodeRecords(records, this.#writer);
    try {
      if (this.#file !== undefined) writeAllSync(this.#file, bytes);
      if (this.#successor !== undefined) writeAllSync(this.#successor, bytes);
      this.#lines += records.length;
    } catch (error) {
      this.#fail(error);
    }
    const syncing = this.#sync && this.#file !== undefined
      ? this.#synced().catch((error) => this.#fail(error))
      : undefined;
    this.#compactWhenLong();
    return syncing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#compaction;
    this.#file?.close();
    this.#file = undefined;
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  get #path(): string {
    return `${this.#directory}/leases.jsonl`;
  }

  get #successorPath(): string {
    return `${this.#path}.new`;
  }

  /** Two writers would overwrite each other: replicas must not share a directory. The lock ends with the process. */
  #takeLock(): void {
    Deno.mkdirSync(this.#directory, { recursive: true });
    const path = `${this.#directory}/lock`;
    Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
    this.#lock = FileLock.take(path);
    if (this.#lock === undefined) {
      throw new Error("another process keeps its leases there: give each gateway a directory of its own");
    }
  }

  #fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const isNew = this.problem === undefined;
    this.problem = `leases are kept in memory only, ${this.#directory} cannot be used: ${reason}`;
    if (isNew) this.#report(this.problem);
    this.#file?.close();
    this.#file = undefined;
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
    this.#retryAt = this.#clock() + retryInterval;
  }

  /** Tries the disk again by writing all anew: what is there may end in the middle of a line. */
  #recover(): boolean {
    if (this.#closed || this.#clock() < this.#retryAt || this.#kept === undefined) return false;
    try {
      this.#takeLock();
      this.#rewrite([...this.#kept.records()]);
      this.problem = undefined;
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** At once, while nobody waits or nothing else helps. */
  #rewrite(records: readonly LeaseRecord[]): void {
    const successor = this.#openSuccessor();
    try {
      writeAllSync(successor, encodeRecords(records));
      this.#succeed(successor);
    } catch (error) {
      successor.close();
      throw error;
    }
    this.#lines = records.length;
  }

  #openSuccessor(): Deno.FsFile {
    return Deno.openSync(this.#successorPath, { write: true, create: true, truncate: true, mode: 0o600 });
  }

  /** The successor holds all: it takes the journal's place. */
  #succeed(successor: Deno.FsFile): void {
    if (this.#sync) successor.syncDataSync();
    Deno.renameSync(this.#successorPath, this.#path);
    if (this.#sync) syncDirectory(this.#directory);
    this.#file?.close();
    this.#file = successor;
  }

  #compactWhenLong(): void {
    if (this.#file === undefined || this.#kept === undefined || this.#closed) return;
    if (this.#lines < 2 * this.#kept.recordCount + spareLines || this.#successor !== undefined) return;
    this.#compaction = this.#compact(this.#kept.records());
  }

  /**
   * Writes a successor piece by piece between the answers to clients. Meanwhile every commit goes to both, so the
   * journal stays whole until the successor is, and the last line of each address is true in either.
   */
  async #compact(records: Iterable<LeaseRecord>): Promise<void> {
    // Not when the journal failed meanwhile, or the program ends: the half-written successor is nobody's then.
    const isWanted = () => this.#file !== undefined && !this.#closed;
    try {
      const successor = this.#successor = this.#openSuccessor();
      const linesBefore = this.#lines;
      let written = 0;
      const isWhole = await inTurns(records, pieceLines, (piece) => {
        if (!isWanted()) return false;
        writeAllSync(successor, encodeRecords(piece));
        written += piece.length;
        return true;
      });
      if (!isWhole || !isWanted()) return;
      this.#succeed(successor);
      this.#successor = undefined;
      this.#lines = written + this.#lines - linesBefore;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#successor?.close();
      this.#successor = undefined;
    }
  }

  /** Resolves after a sync that began after now; all who wait meanwhile share the next one. */
  #synced(): Promise<void> {
    const current = this.#syncing;
    if (current !== undefined) return current.next ??= current.running.catch(() => {}).then(() => this.#synced());
    const running = (this.#file?.syncData() ?? Promise.resolve()).finally(() => this.#syncing = undefined);
    this.#syncing = { running, next: undefined };
    return running;
  }
}

function readJournal(path: string): Journal {
  try {
    return decodeJournal(Deno.readFileSync(path));
  } catch (error) {
    // One that is there and cannot be read just now is no empty one: it would be cut to nothing.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { records: [], damagedLines: [], intactLength: 0 };
  }
}

function syncDirectory(path: string): void {
  using directory = Deno.openSync(path);
  directory.syncSync();
}
