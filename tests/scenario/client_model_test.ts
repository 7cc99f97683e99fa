import assert from "node:assert/strict";
import type { Chain, NetState } from "../../mod/netstate/state.ts";
import { run, type Tally } from "./client_model.ts";
import { meddlings } from "./meddling.ts";

const happenings = [
  "starts",
  "takeovers",
  "killed",
  "stopped",
  "paused",
  "refusals",
  "expired",
  "clock jumps",
  "followed",
];

for (const mode of ["run", "start"] as const) {
  Deno.test(`client model, ${mode}: nothing leaks in any state, and the Pod is open when all is well again`, {
    permissions: "none",
  }, () => {
    const total: Tally = {};
    for (let seed = 1; seed <= 20; seed++) {
      for (const [what, count] of Object.entries(run({ seed, mode, trouble: 120_000 }))) {
        total[what] = (total[what] ?? 0) + count;
      }
    }
    for (const what of [...happenings, ...meddlings.map(({ name }) => name)]) {
      assert((total[what] ?? 0) > 3, `${what} happened ${total[what] ?? 0} times only: ${JSON.stringify(total)}`);
    }
  });
}

const change = (family: "v4" | "v6", of: (chain: Chain) => boolean, rules: (rules: readonly string[]) => string[]) =>
(
  state: NetState,
): NetState => ({
  ...state,
  firewall: {
    ...state.firewall,
    [family]: {
      chains: state.firewall[family].chains.map((chain) => of(chain) ? { ...chain, rules: rules(chain.rules) } : chain),
    },
  },
});
const isOutput = ({ table, hook }: Chain) => table === "filter" && hook === "OUTPUT";

/** Each is one fault, and each must be found. */
const faults: Readonly<Record<string, (state: NetState) => NetState>> = {
  "IPv4 is not refused": change("v4", isOutput, (rules) => rules.slice(0, -1)),
  "IPv6 is not refused": change("v6", isOutput, (rules) => rules.slice(0, -1)),
  "what conntrack knows goes on": change("v4", isOutput, (rules) => [
    "-m conntrack --ctstate ESTABLISHED -j RETURN",
    ...rules,
  ]),
  "what was led to the gateway may leave by any interface": change("v4", isOutput, (rules) => [
    "-m conntrack --ctstate DNAT -j RETURN",
    ...rules,
  ]),
  "no default routes stand behind the tunnel's": (state) => ({
    ...state,
    routes: state.routes.map((route) =>
      route.metric > 4_000_000_000 ? { ...route, hop: { kind: "device", device: "eth0" } as const } : route
    ),
  }),
};

for (const [fault, spoil] of Object.entries(faults)) {
  Deno.test(`client model: it would be found that ${fault}`, { permissions: "none" }, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= 20; seed++) run({ seed, mode: "run", trouble: 120_000, spoil });
    }, /is sent by eth0/);
  });
}
