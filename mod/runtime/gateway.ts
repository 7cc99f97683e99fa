/** The gateway role in the real world: the kernel, the servers and signals around `role/gateway`. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { gatewayMac } from "../addr/mac.ts";
import { gatewayAddress, type GatewaySettings } from "../config/settings.ts";
import type { GatewayCondition } from "../health/probe.ts";
import type { CheckKind } from "../health/checks.ts";
import { History, type Why } from "../health/history.ts";
import { wayOutObstacle } from "../health/way_out.ts";
import { interfaceIndex } from "../linux/interface_index.ts";
import { keepHeapSmall } from "../linux/memory.ts";
import { observe } from "../linux/reconcile.ts";
import { CommandRunner, requireTools } from "../linux/runner.ts";
import { findUplink } from "../linux/uplink.ts";
import { vxlanOverhead } from "../netstate/names.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { findVpn } from "../netstate/vpn_endpoint.ts";
import {
  type GatewayConfig,
  type GatewayEffect,
  type GatewayEvent,
  gatewayPhaseName,
  gatewayPhases,
  type GatewayState,
  gatewayStateOf,
  isHealthy,
  type PodView,
  startGateway,
  stepGateway,
} from "../role/gateway.ts";
import type { GatewayInfo } from "../role/gateway_info.ts";
import { isFinal, messageOf } from "./failure.ts";
import { Applier } from "./applier.ts";
import { BlockedCounter } from "./blocked_counter.ts";
import { Drain } from "./drain.ts";
import { DhcpService, dhcpServiceOptions } from "./dhcp_service.ts";
import type { DnsServer } from "./dns_server.ts";
import { EventLoop, now } from "./event_loop.ts";
import { GatewayLearning } from "./gateway_learning.ts";
import { gatewayHttp } from "./gateway_http.ts";
import { HttpServer } from "./http_server.ts";
import { type ClusterResolver, clusterResolver, GatewayDns, serversAroundVpn } from "./gateway_dns.ts";
import { HealthChecks } from "./health_checks.ts";
import { IdleRelease } from "./idle.ts";
import { KernelWatch } from "./kernel_watch.ts";
import { logger, reopenLogAtSignal } from "./log.ts";
import type { MetricsSources } from "./metrics.ts";
import { ProbeResponder } from "./probe_responder.ts";
import { onSignals } from "./signals.ts";
import { opened } from "./taken_port.ts";
import { TrafficCounter } from "./traffic_counter.ts";

const log = logger("gateway");

/** Runs the gateway until its work is done or it is told to stop. @throws {PgwError} when it can never work */
export async function runGateway(mode: GatewayConfig["mode"], settings: GatewaySettings): Promise<void> {
  requireTools();
  keepHeapSmall();
  const cluster = clusterResolver(settings);
  const config = gatewayConfig(mode, settings, cluster);
  using learning = new GatewayLearning(settings, cluster, () => applier.update());
  const runner = new CommandRunner();
  const instance = newInstanceId();
  const ended = Promise.withResolvers<void>();
  let services: Services | undefined;
  let checks: HealthChecks | undefined;
  let drain: Drain | undefined;
  using memory = new IdleRelease();
  let stages = 0;
  let stage: GatewayState["kind"] | undefined;
  const history = new History(gatewayPhases);
  const blocked = new BlockedCounter(runner);
  let phase: ReturnType<typeof gatewayPhaseName> | undefined;
  let why: Why = {};

  const applier = new Applier({
    runner,
    wanted: () => {
      const state = gatewayStateOf(config, loop.state, learning.learned());
      return state &&
        { state: () => state, key: JSON.stringify(state), stage: stages, firewallOnly: false, opens: false };
    },
    applied: () => loop.post({ kind: "applied" }),
    repaired: () => {
      services?.followDevice();
      memory.worked();
      loop.post({ kind: "applied" });
    },
    unrepaired: (error) => loop.post({ kind: "applyFailed", reason: messageOf(error) }),
    listed: blocked.listed,
    failed: (error) =>
      isFinal(error) ? ended.reject(error) : loop.post({ kind: "applyFailed", reason: messageOf(error) }),
  });
  const loop: EventLoop<GatewayState, GatewayEvent, GatewayEffect> = new EventLoop({
    first: startGateway(),
    tick: { kind: "tick" },
    step: (state, event, at) => stepGateway(config, state, event, at),
    perform,
    changed: (state) => {
      if (state.kind !== stage) {
        stage = state.kind;
        stages++;
        if (stage === "draining") {
          drain ??= services && new Drain(services.probe, () => loop.post({ kind: "deserted" }));
        }
      }
      if (gatewayPhaseName(state) !== phase) {
        phase = gatewayPhaseName(state);
        // All that comes later is said with its cause.
        const { sentence = "started" } = why;
        if (why.sentence === undefined) log.debug("{state}: {cause}", { state: phase, cause: sentence });
        history.enter(phase, phase, now(), { ...why, sentence });
      }
      why = {};
      services?.dns.setWayOut(obstacleIn(state));
      services?.probe.update();
      // With another address of the Pod's comes another device.
      applier.update().then(() => services?.followDevice());
    },
  });

  function perform(effect: GatewayEffect): void {
    switch (effect.kind) {
      case "observe":
        observePod(config, settings.uplink).then(
          (pod) => loop.post({ kind: "observed", pod }),
          (error) =>
            isFinal(error) ? ended.reject(error) : loop.post({ kind: "notObserved", reason: messageOf(error) }),
        );
        return;
      case "serve":
        serve(settings, config, cluster, effect.uplink, instance, () => loop.state, learning, {
          history,
          applier,
          blocked,
          device: config.net.device,
        }).then(
          (started) => {
            services = started;
            checkHealth(settings, () => loop.state, started.dns.server, (kinds) => {
              loop.post({ kind: "checked", silent: kinds });
            }).then((started) => checks = started, ended.reject);
            const { state } = loop;
            started.dns.setWayOut(obstacleIn(state));
            loop.post({ kind: "served" });
            memory.worked();
          },
          ended.reject,
        );
        return;
      case "log":
        why = { sentence: effect.message, ...(effect.cause === undefined ? {} : { word: effect.cause }) };
        return log[effect.level](effect.message, { ...effect.fields });
      case "exit":
        return ended.resolve();
    }
  }

  using _signals = onSignals({
    stop: () => loop.post({ kind: "stop" }),
    look() {
      reopenLogAtSignal();
      applier.look();
      loop.post({ kind: "podChanged" });
    },
  });
  using _watch = new KernelWatch(["network"], () => loop.post({ kind: "podChanged" }));
  try {
    await learning.start();
    loop.start();
    applier.keepRepaired();
    await ended.promise;
  } finally {
    drain?.[Symbol.dispose]();
    applier.close();
    loop.close();
    checks?.close();
    await services?.close();
  }
}

/** Why clients cannot get out of the gateway's Pod. */
function obstacleIn(state: GatewayState): string | undefined {
  return "pod" in state ? state.pod.obstacle : "the Pod's network is not known yet";
}

type Services = {
  readonly probe: ProbeResponder;
  readonly dns: GatewayDns;
  /** To be called when the tunnel's device may have been made anew: what is bound to the former one hears nothing. */
  followDevice(): void;
  close(): Promise<void>;
};

/** Starts everything that clients ask of a gateway. */
async function serve(
  settings: GatewaySettings,
  config: GatewayConfig,
  cluster: ClusterResolver,
  uplink: Uplink,
  instance: string,
  state: () => GatewayState,
  learning: GatewayLearning,
  metrics: MetricsSources<History>,
): Promise<Services> {
  const { device, network, address } = config.net;
  let deviceIndex = interfaceIndex(device);
  const dhcpOptions = dhcpServiceOptions(settings, config.net, uplink.mtu - vxlanOverhead);
  const dhcp = new DhcpService({ ...dhcpOptions, leased: (record) => learning.lease(record) });
  const condition = (): GatewayCondition => ({
    instance,
    healthy: isHealthy(state()),
    draining: state().kind === "draining",
    full: isFull(dhcp.server.counts(Date.now()), settings.maxClients),
  });
  const probe = new ProbeResponder({ device, address }, condition);
  dhcp.left = (address) => probe.forget(address);
  const dns = await opened(
    `port 53 of ${formatIpv4(address)}`,
    "end its DNS server, or have it listen on other addresses (gluetun: DNS_SERVER=off)",
    () => GatewayDns.start(settings, config.net, uplink, cluster),
  );
  const traffic = settings.clientTraffic === "on" ? new TrafficCounter(device) : undefined;
  const info = (): GatewayInfo => {
    const present = state();
    const { address: podAddress, mtu: uplinkMtu } = "pod" in present ? present.pod.uplink : uplink;
    const mtu = Math.min(settings.dhcpMtu ?? Infinity, uplinkMtu - vxlanOverhead);
    return {
      podAddress,
      vxlan: { id: config.net.id, port: config.net.port, network, gateway: address, mac: gatewayMac(address), mtu },
      condition: condition(),
    };
  };
  const port = settings.httpPort;
  const answer = gatewayHttp({
    info,
    state,
    dhcp,
    dns: dns.server,
    metrics,
    learned: () => learning.learned(),
    vpnInterface: settings.vpnInterface,
    traffic,
  });
  const http = await opened(
    `TCP port ${port}`,
    "choose another PGW_HTTP_PORT",
    () => new HttpServer({ hostname: "0.0.0.0", port }, answer),
  );
  return {
    probe,
    dns,
    followDevice() {
      const index = interfaceIndex(device);
      if (index === undefined || index === deviceIndex) return;
      try {
        dhcp.followDevice();
        probe.followDevice();
        deviceIndex = index;
      } catch (error) {
        log.error("{device} is new and cannot be served on yet: {error}", { device, error });
      }
    },
    async close() {
      http[Symbol.dispose]();
      probe.close();
      await Promise.all([dhcp.close(), dns.close(), traffic?.close()]);
    },
  };
}

function checkHealth(
  { healthTargets = [], healthIntervalMs, vpnInterface }: GatewaySettings,
  state: () => GatewayState,
  dns: DnsServer,
  silent: (kinds: readonly CheckKind[]) => void,
): Promise<HealthChecks> {
  return HealthChecks.start({
    intervalMs: healthIntervalMs,
    targets: healthTargets,
    ...(vpnInterface === undefined ? {} : { vpnInterface }),
    upstreams: () => dns.stats().upstreams.filter(({ route }) => route === "outside").map(({ name }) => name),
    hasWayOut: () => {
      const present = state();
      return "pod" in present && present.pod.obstacle === undefined;
    },
    silent,
  });
}

/** Whether other gateways should have the next client. */
function isFull({ free, bound }: { readonly free: number; readonly bound: number }, maxClients = Infinity): boolean {
  return free === 0 || bound >= maxClients;
}

/** The Pod as the gateway sees it. @throws {UplinkError} */
export async function observePod(config: GatewayConfig, uplinkName?: string): Promise<PodView> {
  const { device, vpnInterface } = config.net;
  const observed = await observe(false);
  const uplink = findUplink(observed, uplinkName, vpnInterface);
  const interfaces = observed.links.map(({ name }) => name).filter((name) => name !== "lo" && name !== device).sort();
  const obstacle = wayOutObstacle(observed, device, vpnInterface);
  const foundVpn = vpnInterface === undefined ? undefined : findVpn(observed, uplink, vpnInterface);
  return {
    uplink,
    interfaces,
    ...(obstacle === undefined ? {} : { obstacle }),
    ...(foundVpn === undefined ? {} : { foundVpn }),
  };
}

export function gatewayConfig(
  mode: GatewayConfig["mode"],
  settings: GatewaySettings,
  cluster: ClusterResolver,
): GatewayConfig {
  const { vpnInterface, snatAddress } = settings;
  return {
    mode,
    drainMs: settings.drainMs,
    net: {
      device: settings.vxlanDevice,
      id: settings.vxlanId,
      port: settings.vxlanPort,
      network: settings.vxlanNetwork,
      address: gatewayAddress(settings.vxlanNetwork),
      httpPort: settings.httpPort,
      ...(vpnInterface === undefined ? {} : { vpnInterface }),
      ...(snatAddress === undefined ? {} : { snatAddress }),
      localCidrs: settings.localCidrs,
      isolation: settings.clientIsolation === "on",
      nodeAddresses: settings.nodeAddresses ?? [],
      aroundVpn: serversAroundVpn(settings, cluster),
    },
  };
}

/** 32 hexadecimal digits that no other run has. */
function newInstanceId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
