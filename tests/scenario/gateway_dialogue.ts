/** Timed dialogues of the gateway role: it runs on a virtual clock, the script is its Pod and its kernel. */

import assert from "node:assert/strict";
import {
  type GatewayConfig,
  type GatewayEvent,
  gatewayStateOf,
  type GatewayStep,
  startGateway,
  stepGateway,
  unreadyReason,
} from "../../mod/role/gateway.ts";
import type { CheckKind } from "../../mod/health/checks.ts";
import { gatewayConfig, uplink } from "../unit/netstate/fixtures.ts";
import { window } from "./dhcp_dialogue.ts";

export const config: GatewayConfig = { mode: "run", drainMs: 1_000, net: gatewayConfig };

/** What may stand in the script, at a time. */
export type Moment = {
  readonly gateway: {
    /** In the window it does this, and nothing else until then: `observe`, `serve`, `exit`, `error clients cannot ...`. */
    does(effect: string): void;
    isSilent(): void;
    isStopped(): void;
    /** Its sockets are open. */
    hasServed(): void;
    isDeserted(): void;
    /** `yes`, or why a Service should not name it. */
    isReady(reason: string): void;
    /** What the kernel should hold: interfaces that forward, and devices of ours. */
    wants(what: string): void;
  };
  readonly pod: {
    /** The answer to `observe`. */
    isSeen(interfaces: string, obstacle?: string): void;
    isNotSeen(reason: string): void;
    changes(): void;
  };
  readonly others: {
    /** A round of questions is over, and of these kinds nobody answers any longer. */
    areSilent(...kinds: CheckKind[]): void;
  };
  readonly kernel: { obeys(): void; refuses(reason: string): void };
};

/** A test of the gateway against a script. */
export function gatewayScenario(
  title: string,
  options: Partial<GatewayConfig>,
  script: (at: (when: string | number) => Moment) => void,
): void {
  Deno.test(`gateway: ${title}`, { permissions: "none" }, () => {
    const runner = new Runner({ ...config, ...options });
    script((when) => runner.at(when));
    runner.end();
  });
}

class Runner {
  #now = 0;
  #step: GatewayStep = startGateway();
  readonly #lines: { readonly at: number; readonly text: string }[] = [];

  constructor(readonly config: GatewayConfig) {
    this.#collect();
  }

  at(when: string | number): Moment {
    const { from, to } = typeof when === "number" ? { from: when, to: when } : window(when);
    const post = (event: GatewayEvent) => {
      this.#advance(from);
      this.#take(event);
    };
    return {
      gateway: {
        does: (effect) => {
          while (this.#lines.length === 0 && this.#step.wakeAt <= to) this.#tick();
          const line = this.#lines.shift();
          assert(line !== undefined, `at ${when} it does not do '${effect}'`);
          assert(line.text.startsWith(effect), `at ${when} it does '${line.text}', not '${effect}'`);
          assert(line.at >= from && line.at <= to, `'${line.text}' comes after ${line.at} ms, not at ${when}`);
        },
        isSilent: () => {
          this.#advance(to);
          this.end();
        },
        isStopped: () => post({ kind: "stop" }),
        hasServed: () => post({ kind: "served" }),
        isDeserted: () => post({ kind: "deserted" }),
        isReady: (reason) => {
          this.#advance(from);
          assert.equal(unreadyReason(this.#step.state) ?? "yes", reason);
        },
        wants: (what) => {
          this.#advance(from);
          const state = gatewayStateOf(this.config, this.#step.state, { forwards: [] });
          const words = state === undefined ? ["anything"] : [
            ...state.links.map(({ name }) => name),
            ...state.interfaceSettings.filter(({ forwarding }) => forwarding).map(({ device }) =>
              `forwarding=${device}`
            ),
            state.firewall.v4.chains.length > 0 ? "firewall" : "no-firewall",
          ];
          assert.equal(words.join(" "), what);
        },
      },
      pod: {
        isSeen: (interfaces, obstacle) =>
          post({
            kind: "observed",
            pod: { uplink, interfaces: interfaces.split(" "), ...(obstacle === undefined ? {} : { obstacle }) },
          }),
        isNotSeen: (reason) => post({ kind: "notObserved", reason }),
        changes: () => post({ kind: "podChanged" }),
      },
      others: { areSilent: (...silent) => post({ kind: "checked", silent }) },
      kernel: {
        obeys: () => post({ kind: "applied" }),
        refuses: (reason) => post({ kind: "applyFailed", reason }),
      },
    };
  }

  /** Everything that it did was in the script. */
  end(): void {
    assert.deepEqual(this.#lines.map(({ at, text }) => `${at} ms: ${text}`), []);
  }

  #advance(to: number): void {
    while (this.#step.wakeAt <= to) this.#tick();
    this.#now = Math.max(this.#now, to);
  }

  #tick(): void {
    this.#now = Math.max(this.#now, this.#step.wakeAt);
    this.#take({ kind: "tick" });
    assert(this.#step.wakeAt > this.#now, "it wants to be woken without an end");
  }

  #take(event: GatewayEvent): void {
    this.#step = stepGateway(this.config, this.#step.state, event, this.#now);
    this.#collect();
  }

  #collect(): void {
    for (const effect of this.#step.effects) {
      const text = effect.kind === "log" ? `${effect.level} ${effect.message}` : effect.kind;
      this.#lines.push({ at: this.#now, text });
    }
  }
}
