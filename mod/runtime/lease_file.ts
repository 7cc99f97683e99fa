/** The journal of leases on disk. */

import { changes, type LeaseRecord, replay } from "../dhcp/lease_record.ts";
import { decodeJournal, encodeRecords, type Journal } from "../dhcp/lease_store.ts";
import { FileLock } from "../linux/file_lock.ts";
import { Writer } from "../wire/bytes.ts";
import { inTurns } from "./in_turns.ts";
import { writeAllSync } from "./write_all.ts";

export type LeaseFileOptions = {
  /** Whether each commit waits for the disk (PGW_STATE_SYNC=always). Without, a power cut may lose the last moment. */
  readonly sync: boolean;
  /** Called with a sentence for the log when the disk stops taking leases, or the journal is damaged or cannot be rewritten. */
  readonly report?: (problem: string) => void;
  /** Milliseconds since 1970. */
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
/** After a failure everything is in memory alone, or the journal grows; so many milliseconds later the disk is tried again. */
const retryInterval = 60_000;
/** So soon while what is there is not known, which others may have been told meanwhile; and it costs little to find out. */
const unreadRetryInterval = 1_000;

/** All that is worth keeping, as it is when it is read. */
export type KeptRecords = {
  records(): Iterable<LeaseRecord>;
  /** How many those are. */
  readonly recordCount: number;
  /** Takes over what is news in a journal that another process may have written to. */
  restore(written: readonly LeaseRecord[], now: number): void;
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
  /** Whole lines in the journal, and their bytes. */
  #lines = 0;
  #length = 0;
  #retryAt = 0;
  #compactAt = -Infinity;
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
      try {
        // Before anything is read: nobody adds to it in between.
        this.#takeLock();
      } finally {
        // Where another process writes, or nobody can, what is there counts nevertheless.
        this.#restored = this.#read();
      }
      this.#goOn();
      const addresses = new Set(this.#restored.map(({ address }) => address)).size;
      if (isOverlong(this.#lines, addresses)) this.#rewrite(replay(this.#restored, () => true));
    } catch (error) {
      this.#fail(error, unreadRetryInterval);
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
   * Tries the disk again if it is time. To be called before anything is leased: another process may have written there, or
   * what is there could not be read, and then it is news.
   */
  recover(): void {
    const kept = this.#kept;
    if (this.#file !== undefined || this.#closed || kept === undefined) return;
    const now = this.#clock();
    if (now < this.#retryAt) return;
    let retryIn = unreadRetryInterval;
    try {
      this.#takeLock();
      const written = this.#read();
      retryIn = retryInterval;
      kept.restore(written, now);
      this.#append(this.#goOn(), changes(written, kept.records()));
      this.problem = undefined;
    } catch (error) {
      this.#fail(error, retryIn);
    }
  }

  /**
   * When it has returned, or what it returned has resolved, `records` are safe, in order. Never rejects: without a disk,
   * memory must do.
   */
  commit(records: readonly LeaseRecord[]): Promise<void> | undefined {
    if (records.length === 0) return undefined;
    this.recover();
    if (this.#file === undefined) return undefined;
    try {
      this.#append(this.#file, records);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
    const syncing = this.#sync ? this.#synced().catch((error) => this.#fail(error)) : undefined;
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

  /** The records that are there. @throws when they cannot be read, which is not as if there were none */
  #read(): readonly LeaseRecord[] {
    const { records, damagedLines, intactLength } = readJournal(this.#path);
    if (damagedLines.length > 0) {
      this.#report(
        `${this.#path}: lines ${
          damagedLines.slice(0, 10).join(", ")
        } (${damagedLines.length} in all) are not leases and were left out`,
      );
    }
    this.#lines = records.length;
    this.#length = intactLength;
    return records;
  }

  /** Goes on behind what was read. */
  #goOn(): Deno.FsFile {
    const file = this.#file = Deno.openSync(this.#path, { append: true, create: true, mode: 0o600 });
    // What was cut short when the last run was killed must not become the beginning of a line.
    if (file.statSync().size > this.#length) file.truncateSync(this.#length);
    this.#discardSuccessor();
    // The file itself must be there after a power cut too.
    if (this.#sync) syncDirectory(this.#directory);
    return file;
  }

  /** @throws when the journal failed; a successor that fails is given up */
  #append(file: Deno.FsFile, records: readonly LeaseRecord[]): void {
    const bytes = encodeRecords(records, this.#writer);
    try {
      if (this.#successor !== undefined) writeAllSync(this.#successor, bytes);
      writeAllSync(file, bytes);
    } catch (error) {
      if (this.#successor === undefined) throw error;
      // Whichever of them failed: what is missing may be the room that the successor takes up.
      this.#postpone(error);
      file.truncateSync(this.#length);
      writeAllSync(file, bytes);
    }
    this.#lines += records.length;
    this.#length += bytes.length;
  }

  #fail(error: unknown, retryIn = retryInterval): void {
    const problem = `leases are kept in memory only, ${this.#directory} cannot be used: ${reasonOf(error)}`;
    const isNew = this.problem !== problem;
    this.problem = problem;
    if (isNew) this.#report(problem);
    if (this.#successor !== undefined) this.#discardSuccessor();
    this.#file?.close();
    this.#file = undefined;
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
    this.#retryAt = this.#clock() + retryIn;
  }

  /** At once, while nobody waits. */
  #rewrite(records: readonly LeaseRecord[]): void {
    try {
      const successor = this.#openSuccessor();
      writeAllSync(successor, encodeRecords(records));
      this.#succeed(successor);
      this.#lines = records.length;
    } catch (error) {
      this.#postpone(error);
    }
  }

  #openSuccessor(): Deno.FsFile {
    return this.#successor = Deno.openSync(this.#successorPath, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
  }

  /** The successor holds all: it takes the journal's place. @throws when it cannot */
  #succeed(successor: Deno.FsFile): void {
    if (this.#sync) successor.syncDataSync();
    const { size } = successor.statSync();
    Deno.renameSync(this.#successorPath, this.#path);
    this.#file?.close();
    this.#file = successor;
    this.#successor = undefined;
    this.#length = size;
    this.#compactAt = -Infinity;
    try {
      if (this.#sync) syncDirectory(this.#directory);
    } catch (error) {
      // After a power cut the former journal could be there.
      this.#fail(error);
    }
  }

  /** The journal cannot be rewritten now. It goes on, and is the longer for it. */
  #postpone(error: unknown): void {
    const isNew = this.#compactAt === -Infinity;
    this.#compactAt = this.#clock() + retryInterval;
    if (isNew) this.#report(`${this.#path} grows, it cannot be rewritten: ${reasonOf(error)}`);
    this.#discardSuccessor();
  }

  /** It takes up room, also that of a run that was killed. */
  #discardSuccessor(): void {
    this.#successor?.close();
    this.#successor = undefined;
    try {
      Deno.removeSync(this.#successorPath);
    } catch {
      // There is none, or it will be overwritten.
    }
  }

  #compactWhenLong(): void {
    if (this.#file === undefined || this.#kept === undefined || this.#closed) return;
    if (this.#lines < 2 * this.#kept.recordCount + spareLines || this.#successor !== undefined) return;
    if (this.#clock() < this.#compactAt) return;
    this.#compaction = this.#compact(this.#kept.records());
  }

  /**
   * Writes a successor piece by piece between the answers to clients. Meanwhile every commit goes to both, so the
   * journal stays whole until the successor is, and the last line of each address is true in either.
   */
  async #compact(records: Iterable<LeaseRecord>): Promise<void> {
    try {
      const successor = this.#openSuccessor();
      // Not when it was given up meanwhile, or the program ends.
      const isWanted = () => this.#successor === successor && !this.#closed;
      const linesBefore = this.#lines;
      let written = 0;
      const isWhole = await inTurns(records, pieceLines, (piece) => {
        if (!isWanted()) return false;
        writeAllSync(successor, encodeRecords(piece));
        written += piece.length;
        return true;
      });
      if (isWhole && isWanted()) {
        this.#succeed(successor);
        this.#lines = written + this.#lines - linesBefore;
      } else if (this.#successor === successor) {
        this.#discardSuccessor();
      }
    } catch (error) {
      this.#postpone(error);
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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function syncDirectory(path: string): void {
  using directory = Deno.openSync(path);
  directory.syncSync();
}
