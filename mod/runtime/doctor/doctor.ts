/** `pgw doctor`: looks at everything that `pgw` needs and promises, in a client Pod, a gateway Pod, or before there is either. */

import { type Ipv4, isIpv4, parseIpv4 } from "../../addr/ipv4.ts";
import type { DoctorSettings } from "../../config/settings.ts";
import { podResolvConf } from "../../dns/resolv_conf.ts";
import { nobody } from "../../doctor/leaks.ts";
import { type Finding, ok, problem, skipped } from "../../doctor/finding.ts";
import { checkInterface, checkLocalCidrs, checkOverlay, type ClusterAddress } from "../../doctor/networks.ts";
import { PgwError } from "../../errors.ts";
import { observe } from "../../linux/reconcile.ts";
import { CommandRunner, type Runner } from "../../linux/runner.ts";
import { findUplink, UplinkError } from "../../linux/uplink.ts";
import type { Observed } from "../../netstate/diff.ts";
import { findTunnel } from "../../netstate/found_tunnel.ts";
import type { Uplink } from "../../netstate/uplink.ts";
import { now } from "../event_loop.ts";
import { readTextIfThere } from "../text_file.ts";
import { checkClient, checkDefaultRoutes } from "./client_checks.ts";
import { checkDns } from "./dns_checks.ts";
import { checkService } from "./service_checks.ts";
import { checkCapabilities, checkTools, type Role } from "./host_checks.ts";
import { checkGatewayPod } from "./gateway_checks.ts";
import { checkKernel } from "./kernel_checks.ts";
import { checkLeaks } from "./leak_checks.ts";
import { type RunningPgw, runningPgw } from "./running.ts";

export type DoctorOptions = {
  /** Whom the leak probes are for, and a name to ask for through the tunnel: all that is contacted outside. */
  readonly targets: { readonly 4?: string; readonly 6?: string };
  readonly name?: string;
};

/** What all checks know of this Pod. */
export type Examined = {
  readonly settings: DoctorSettings;
  readonly runner: Runner;
  readonly observed: Observed;
  readonly uplink: Uplink;
};

/** Findings as they come. */
export async function* examine(settings: DoctorSettings, options: DoctorOptions): AsyncGenerator<Finding> {
  const runner = new CommandRunner();
  const running = await runningPgw(settings.httpPort);
  const tools = await checkTools(runner);
  const observed = tools.outcome === "ok" ? await observe() : undefined;
  const role = running?.role ?? (observed && standingRole(observed));
  yield checkCapabilities(role);
  yield tools;
  if (observed === undefined) return;
  const uplink = uplinkOf(observed, settings);
  if ("outcome" in uplink) return yield uplink;
  yield* checkNetworks(settings, uplink, role);
  yield checkRunning(running, role, settings);
  const pod: Examined = { settings, runner, observed, uplink };
  if (role === undefined) {
    yield* guarded("kernel", () => checkKernel(pod));
    yield* guarded("gateway", () => checkService(pod));
  }
  if (role === "gateway") yield* guarded("gateway", () => checkGatewayPod(pod));
  const tunnel = findTunnel(observed, uplink, settings.vxlanDevice, now());
  if (role === "client") yield checkDefaultRoutes(pod);
  if (role === "client" && tunnel !== undefined) yield* guarded("tunnel", () => checkClient(pod, tunnel));
  if (role === undefined || running !== undefined) yield* guarded("DNS", () => checkDns(pod, running, options.name));
  if (role !== "client") return;
  for (const family of [4, 6] as const) {
    const target = options.targets[family] ?? nobody[family];
    const trial = { family, target, uplink: uplink.device, tunnel: settings.vxlanDevice };
    yield* guarded(`leaks by IPv${family}`, () => checkLeaks(runner, trial));
  }
}

/** What a `pgw` that has ended left in the kernel: a client's rules lead marked packets, and its tunnel has a far end. */
function standingRole({ links, rules }: Observed): Role {
  if (rules.some(({ ours }) => ours)) return "client";
  return links.some(({ ours, vxlan }) => ours && vxlan?.remote === undefined) ? "gateway" : undefined;
}

function checkRunning(running: RunningPgw | undefined, role: Role, { httpPort }: DoctorSettings): Finding {
  const check = "pgw";
  if (running?.isWell) return ok(check, running.detail);
  if (running !== undefined) return problem(check, running.detail, running.remedy);
  if (role === undefined) {
    return skipped(check, `nothing answers on port ${httpPort}: no pgw runs in this Pod, or not yet`);
  }
  return problem(
    check,
    `the rules of a ${role} stand, but nothing answers on port ${httpPort}: it has ended, or hangs`,
    "see why its container does not run; the Pod stays closed until it does",
  );
}

function* checkNetworks(settings: DoctorSettings, uplink: Uplink, role: Role): Generator<Finding> {
  const { vxlanNetwork: overlay, localCidrs } = settings;
  const facts = { uplink, overlay, localCidrs, cluster: clusterAddresses() };
  yield checkInterface(uplink);
  yield checkOverlay(facts);
  if (role !== "gateway") yield checkLocalCidrs(facts);
}

/** What cannot be done for want of a right is skipped, not fatal: the other checks may tell why. */
async function* guarded(check: string, look: () => Promise<Finding[]>): AsyncGenerator<Finding> {
  yield* await look().catch((error) => {
    if (!(error instanceof PgwError)) throw error;
    return [skipped(check, `it cannot be told: ${error.message}`)];
  });
}

function uplinkOf(observed: Observed, { uplink, vpnInterface }: DoctorSettings): Uplink | Finding {
  try {
    return findUplink(observed, uplink, vpnInterface);
  } catch (error) {
    if (!(error instanceof UplinkError)) throw error;
    return problem("interface", error.message, "without it no tunnel can be made: see the Pod's network");
  }
}

/** What tells where the cluster's own networks are, without asking anybody. */
function clusterAddresses(): ClusterAddress[] {
  const { nameservers } = podResolvConf(readTextIfThere("/etc/resolv.conf"));
  const api = Deno.env.get("KUBERNETES_SERVICE_HOST");
  const isForeign = (address: Ipv4) => address >>> 24 !== 127;
  return [
    ...(api === undefined ? [] : [{ what: "the API server's Service", address: api }]),
    ...nameservers.map((address) => ({ what: "a nameserver of the cluster", address })),
  ].filter(({ address }) => isIpv4(address))
    .map(({ what, address }) => ({ what, address: parseIpv4(address) }))
    .filter(({ address }) => isForeign(address));
}
