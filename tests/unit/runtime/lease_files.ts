/** Files of leases for tests, and what a server would keep. */
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import type { LeaseRecord } from "../../../mod/dhcp/lease_record.ts";
import { type KeptRecords, LeaseFile } from "../../../mod/runtime/lease_file.ts";

export const base = parseIpv4("172.29.0.0");

export function record(index: number, until = 1_000): LeaseRecord {
  return { address: base + index, state: "bound", chaddr: Uint8Array.of(2, 0x78, 10, 0, 0, index & 0xff), until };
}

/** What a server knows. */
export class Memory implements KeptRecords {
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
export async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

export async function restored(directory: string): Promise<readonly LeaseRecord[]> {
  const file = LeaseFile.open(directory, { sync: false });
  await file.close();
  return file.takeRestored();
}

/** The last record of each address. */
export async function lastOf(directory: string): Promise<Map<number, LeaseRecord>> {
  return new Map((await restored(directory)).map((lease) => [lease.address, lease]));
}
