/** Makes the kernel agree with the desired state, one change of mind after the other, and keeps it so. */

import { applyFirewall, type FirewallListed, FirewallLook } from "../linux/firewall.ts";
import { NetworkLook } from "../linux/network_look.ts";
import { type Applied, observe, reconcile, type ReconcileOptions, showApplied } from "../linux/reconcile.ts";
import type { Runner } from "../linux/runner.ts";
import type { Observed } from "../netstate/diff.ts";
import type { NetState } from "../netstate/state.ts";
import { KernelWatch } from "./kernel_watch.ts";
import { logger } from "./log.ts";

export type ApplierPorts = {
  readonly runner: Runner;
  /** What was begun before this one, and what it saw. */
  readonly begun?: { readonly look: FirewallLook; readonly done: Promise<void> };
  /** The desired state right now; `undefined`: leave the kernel as it is. */
  wanted(): Wanted | undefined;
  /** The kernel holds what {@link wanted} says. */
  applied(): void;
  failed(error: unknown): void;
  /** The kernel was looked at, and put right where it had to be. */
  repaired(): void;
  /** What others changed could not be put back; it is tried again. */
  unrepaired?(error: unknown): void;
  /** What the kernel holds, before anything of it is changed: whatever {@link wanted} depends on may be seen in it. */
  looked?(observed: Observed): void;
  /** Somebody else changed links, addresses or routes. */
  noticed?(): void;
  readonly listed?: FirewallListed;
};

export type Wanted = {
  state(): NetState;
  /** Only the firewall counts: nothing else is looked at or changed, which is the fastest way to close. */
  readonly firewallOnly: boolean;
  /** What tells one desired state from another: the time that goes by does not. */
  readonly key: string;
  /** The number of the state that waits: each is told once that the kernel agrees. */
  readonly stage: number;
  /** Whether the firewall lets more through than before: it is then changed last. */
  readonly opens: boolean;
};

const log = logger("network");
/** Until it is put back, what somebody else takes away is gone at most so long. */
const repairIntervalMs = 20_000;
/** What the kernel tells so soon after a change of ours is of that change. */
const ownNoticesMs = 200;

export class Applier {
  /** How often something that others had changed was put back. */
  repairs = 0;
  #appliedKey: string | undefined;
  #toldStage: number | undefined;
  #busy = false;
  /** A look was asked for that could not be taken at once. */
  #isLookDue = false;
  #appliedAt = -Infinity;
  #watch: KernelWatch | undefined;
  #repairTimer: ReturnType<typeof setInterval> | undefined;

  readonly #firewallLook: FirewallLook;
  readonly #networkLook = new NetworkLook();

  constructor(readonly ports: ApplierPorts) {
    this.#firewallLook = ports.begun?.look ?? new FirewallLook();
  }

  /** To be called whenever {@link ApplierPorts.wanted} may have changed. */
  async update(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let wanted = this.ports.wanted(); wanted !== undefined; wanted = this.#changed(wanted)) {
        try {
          if (wanted.key !== this.#appliedKey) await this.#apply(wanted);
          this.#tell(wanted);
        } catch (error) {
          this.#appliedKey = undefined;
          this.#toldStage = undefined;
          // What is wanted in answer to that is applied at once: it may be to close.
          this.ports.failed(error);
        }
      }
    } finally {
      this.#busy = false;
    }
    if (this.#isLookDue) this.#repair();
  }

  /**
   * From now on puts back what somebody else took away, and says so: as soon as the kernel tells of it, and what it does
   * not tell of, such as the firewall of iptables-legacy, within {@link repairIntervalMs}.
   */
  keepRepaired(): void {
    this.#repairTimer = setInterval(() => this.#repair(), repairIntervalMs);
    this.#watch = new KernelWatch(["network", "firewall"], (changes) => {
      // Never ours is what another program did to the firewall.
      const isOthers = changes.has("firewall");
      if (!isOthers && performance.now() - this.#appliedAt <= ownNoticesMs) return void this.see();
      this.ports.noticed?.();
      if (isOthers) this.look();
      else this.#repair();
    });
  }

  /** Looks at the kernel for the sake of {@link ApplierPorts.looked} alone. */
  async see(): Promise<void> {
    const { looked } = this.ports;
    if (looked === undefined) return;
    try {
      looked(await observe());
    } catch (error) {
      log.warn("the Pod's network cannot be seen: {error}", { error });
    }
  }

  /** Looks at what it looks at regularly: now, or as soon as the change that is being made is done. */
  look(): void {
    this.#isLookDue = true;
    this.#repair();
  }

  close(): void {
    clearInterval(this.#repairTimer);
    this.#watch?.[Symbol.dispose]();
  }

  #tell(applied: Wanted): void {
    const { key, stage } = this.ports.wanted() ?? {};
    if (key !== applied.key || stage === undefined || stage === this.#toldStage) return;
    this.#toldStage = stage;
    this.ports.applied();
  }

  #changed(before: Wanted): Wanted | undefined {
    const wanted = this.ports.wanted();
    return wanted === undefined || (wanted.key === before.key && wanted.stage === before.stage) ? undefined : wanted;
  }

  async #apply(wanted: Wanted): Promise<void> {
    await this.ports.begun?.done;
    const changes = await this.#reconcile(wanted, { firewall: wanted.opens ? "last" : "first", lifetimes: "exact" });
    this.#appliedKey = wanted.key;
    this.#appliedAt = performance.now();
    for (const change of changes) log.debug("{change}", { change: showApplied(change) });
  }

  #reconcile({ state, firewallOnly }: Wanted, more: ReconcileOptions = {}): Promise<readonly Applied[]> {
    const { runner, listed, looked } = this.ports;
    const options = { look: this.#firewallLook, ...(listed === undefined ? {} : { listed }) };
    if (firewallOnly) return applyFirewall(runner, state().firewall, options);
    return reconcile(runner, state(), { ...options, looked, networkLook: this.#networkLook, ...more });
  }

  async #repair(): Promise<void> {
    const wanted = this.ports.wanted();
    // Nothing but the firewall is looked at then.
    if (wanted?.firewallOnly) this.see();
    if (this.#busy || wanted === undefined || wanted.key !== this.#appliedKey) return;
    this.#busy = true;
    this.#isLookDue = false;
    this.#firewallLook.forget();
    this.#networkLook.forget();
    let told = () => this.ports.repaired();
    try {
      const changes = await this.#reconcile(wanted);
      if (changes.length > 0) {
        this.#appliedAt = performance.now();
        this.repairs++;
      }
      for (const change of changes) {
        log.error("put back what was changed by others: {change}", { change: showApplied(change) });
      }
    } catch (error) {
      log.error("what was changed by others cannot be put back: {error}", { error });
      told = () => this.ports.unrepaired?.(error);
    } finally {
      this.#busy = false;
    }
    // A change of mind while this was going on.
    await this.update();
    told();
  }
}
