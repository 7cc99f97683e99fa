/** Rights, programs and the kernel: what must be there before anything of `pgw` can work. */

import { type Finding, ok, problem, skipped } from "../../doctor/finding.ts";
import { exitCodes, PgwError } from "../../errors.ts";
import { hasCapability } from "../../linux/capability.ts";
import { CommandError, requireTools, type Runner } from "../../linux/runner.ts";
import { SocketError } from "../../linux/socket_error.ts";
import { tryVxlan } from "../../linux/vxlan_trial.ts";
import type { Firewall } from "../../netstate/state.ts";
import type { Uplink } from "../../netstate/uplink.ts";
import { messageOf } from "../failure.ts";

/** `undefined`: no pgw runs here, so both roles' needs are told. */
export type Role = "gateway" | "client" | undefined;

const needs = {
  client: ["NET_ADMIN"],
  gateway: ["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE"],
} as const;

export function checkCapabilities(role: Role): Finding {
  const check = "capabilities";
  const missing = needs[role ?? "client"].filter((capability) => !hasCapability(capability));
  if (missing.length > 0) {
    return problem(
      check,
      `${missing.join(", ")} missing`,
      `add ${missing.join(", ")} under securityContext.capabilities.add of this container`,
    );
  }
  const forGateway = needs.gateway.filter((capability) => !hasCapability(capability));
  if (role !== undefined || forGateway.length === 0) return ok(check, `${needs[role ?? "gateway"].join(", ")} there`);
  return ok(check, `NET_ADMIN there, enough for a client; a gateway needs ${forGateway.join(", ")} too`);
}

/** Whether the programs are there, and in which variant. */
export async function checkTools(runner: Runner): Promise<Finding> {
  const check = "programs";
  try {
    requireTools();
    const version = (await runner.run(["iptables-restore", "--version"])).trim();
    if (version.includes("legacy") && !hasCapability("NET_RAW")) {
      return problem(
        check,
        `${version}, which needs NET_RAW`,
        "install the nft variant (Debian: update-alternatives --set iptables /usr/sbin/iptables-nft), or add NET_RAW",
      );
    }
    return ok(check, version);
  } catch (error) {
    if (!(error instanceof PgwError)) throw error;
    return problem(check, error.message, "install iptables, or use the pod-gateway image");
  }
}

const trialDevice = "pgw-doctor";

/** Makes a VXLAN device that nothing uses, and takes it away again. */
export async function checkVxlan(uplink: Uplink): Promise<Finding> {
  const check = "kernel: VXLAN";
  try {
    await tryVxlan(trialDevice, uplink);
    return ok(check, "a device can be made");
  } catch (error) {
    return failed(check, error, "load the module vxlan on the node: modprobe vxlan");
  }
}

/**
 * Has the kernel take every rule of `firewall` in chains that nothing jumps to, and takes them away again: that shows
 * whether it knows all matches and targets.
 */
export async function checkRules(runner: Runner, family: 4 | 6, { chains }: Firewall): Promise<Finding> {
  const check = `kernel: rules of IPv${family}`;
  const program = family === 4 ? "iptables-restore" : "ip6tables-restore";
  const trial = (name: string) => name.replace(/^PGW-/, "DOCTOR-");
  const tables = [...new Set(chains.map(({ table }) => table))];
  const text = (lines: (name: string, rules: readonly string[]) => readonly string[]) =>
    tables.map((table) => {
      const own = chains.filter((chain) => chain.table === table);
      return [`*${table}`, ...own.flatMap(({ name, rules }) => lines(trial(name), rules)), "COMMIT", ""].join("\n");
    }).join("");
  try {
    await runner.run(
      [program, "--noflush", "--wait", "5"],
      text((name, rules) => [`:${name} - [0:0]`, ...rules.map((rule) => `-A ${name} ${rule}`)]),
    );
    await runner.run([program, "--noflush", "--wait", "5"], text((name) => [`:${name} - [0:0]`, `-X ${name}`]));
    return ok(check, `all of ours are taken`);
  } catch (error) {
    return failed(check, error, "load the node's modules for iptables (xt_conntrack, xt_connmark, xt_MASQUERADE, ...)");
  }
}

function failed(check: string, error: unknown, remedy: string): Finding {
  if (error instanceof CommandError || error instanceof SocketError) return problem(check, error.message, remedy);
  if (error instanceof PgwError && error.exitCode !== exitCodes.failure) {
    return skipped(check, `it cannot be tried: ${messageOf(error)}`);
  }
  throw error;
}
