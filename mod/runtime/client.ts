/** The client role in the real world: sockets, the kernel, files and signals around `role/client`. */

import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import type { ClientSettings } from "../config/settings.ts";
import { formatService, type Service } from "../config/service.ts";
import { clientResolvConf, podResolvConf } from "../dns/resolv_conf.ts";
import { ConflictError, PgwError } from "../errors.ts";
import { ClientHistory } from "../health/client_history.ts";
import type { Why } from "../health/history.ts";
import { interfaceIndex } from "../linux/interface_index.ts";
import { observe } from "../linux/reconcile.ts";
import { findUplink } from "../linux/uplink.ts";
import type { Observed } from "../netstate/diff.ts";
import { findTunnel } from "../netstate/found_tunnel.ts";
import { isNest } from "../netstate/nest.ts";
import { type Candidate, clientNetState, type ClientPhase, isOpen } from "../netstate/client.ts";
import {
  type ClientConfig,
  type ClientState,
  type FoundTunnel,
  type Link,
  phaseName,
  phaseOf,
  stageOf,
  startClient,
  step,
} from "../role/client.ts";
import { causeOf } from "../role/client_cause.ts";
import type { ClientEffect, ClientEvent, LogEffect } from "../role/client_event.ts";
import { rehearseLease } from "../role/client_rehearsal.ts";
import { Applier, type Wanted } from "./applier.ts";
import { BlockedCounter } from "./blocked_counter.ts";
import { clientHttp } from "./client_http.ts";
import { clientNetConfig } from "./client_net_config.ts";
import { ClientSockets } from "./client_sockets.ts";
import { askForGateway } from "./discovery.ts";
import { EventLoop, now } from "./event_loop.ts";
import { isFinal, messageOf } from "./failure.ts";
import type { FirstClosing } from "./first_closing.ts";
import { type HttpHandler, HttpServer } from "./http_server.ts";
import { IdleRelease } from "./idle.ts";
import { logger, reopenLogAtSignal } from "./log.ts";
import { OwnUplink } from "./own_uplink.ts";
import { resolveName } from "./resolver.ts";
import { onSignals } from "./signals.ts";
import { overwriteText, readTextIfThere } from "./text_file.ts";

const log = logger("client");
/** What is to be waited for has begun by then. */
const rehearsalDelayMs = 2;
const resolvConfPath = "/etc/resolv.conf";

/** What the user asked for cannot be had, and waiting does not help. */
export class ClientError extends PgwError {}

/** Runs the client until its work is done or it is told to stop. @throws {PgwError} when it can never work */
export async function runClient(
  mode: ClientConfig["mode"],
  settings: ClientSettings,
  closing: FirstClosing,
): Promise<void> {
  const config = clientConfig(mode, settings);
  const { runner, look } = closing;
  const found = closing.isNewPod ? undefined : await lookForTunnel(config.net.device, settings.uplink);
  const ended = Promise.withResolvers<void>();
  let sockets: { readonly key: string; readonly of: ClientSockets } | undefined;
  let asking = new AbortController();
  const uplink = new OwnUplink(settings.uplink, found?.link.uplink);
  let stages = 0;
  let stage: string | undefined;
  let entered: ClientState["kind"] | undefined;
  let why: Why = {};
  using memory = new IdleRelease();
  const history = new ClientHistory();
  const blocked = new BlockedCounter(runner);
  let nest = false;

  const applier = new Applier({
    runner,
    begun: closing,
    wanted: () => wanted(config, loop.state, nest, stages),
    applied: () => loop.post({ kind: "applied" }),
    repaired: () => memory.worked(),
    looked(observed) {
      lookForOthers(observed);
      const changed = uplink.follow(observed);
      if (changed !== undefined) loop.post({ kind: "uplink", uplink: changed });
    },
    noticed: () => loop.post({ kind: "kernelChanged" }),
    listed: blocked.listed,
    failed: (error) =>
      isFinal(error) ? ended.reject(error) : loop.post({ kind: "applyFailed", reason: messageOf(error) }),
  });
  if (found === undefined && !closing.isNewPod) look.presumeNothing();
  const loop: EventLoop<ClientState, ClientEvent, ClientEffect> = new EventLoop({
    first: startClient(config, now(), found),
    tick: { kind: "tick" },
    step: (state, event, at) => step(config, state, event, at, Math.random),
    perform,
    // On a busy machine the timer of a miss can run before the answer that is there is heard.
    beforeTick: () => sockets?.of.poll(),
    changed: (state, event) => {
      if (stageOf(state) !== stage) {
        stage = stageOf(state);
        stages++;
      }
      if (state.kind !== entered) {
        entered = state.kind;
        const { sentence = causeOf(event) } = why;
        // One line for each transition: what people want to know was said already.
        if (why.sentence === undefined) log.debug("{state}: {cause}", { state: entered, cause: sentence });
        history.enter(entered, phaseName(state), now(), { ...why, sentence });
        if (entered === "open") memory.worked();
        if (state.kind === "connecting") setTimeout(rehearse, rehearsalDelayMs);
      }
      why = {};
      closeStaleSockets(state);
      applier.update();
    },
  });

  function lookForOthers({ links }: Observed): void {
    if (isNest(links, config.net.device) === nest) return;
    nest = !nest;
    log.debug(nest ? "the Pod has more than one interface" : "the Pod has one interface");
    applier.update();
  }

  /** While the kernel, or `iptables`, is waited for. */
  function rehearse(): void {
    if (loop.state.kind === "connecting") wanted(config, rehearseLease(config, loop.state, now()), nest, 0)?.state();
  }

  function perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case "observeUplink":
        return post(
          uplink.look().then(
            (uplink) => ({ kind: "uplink", uplink }),
            (error) => {
              if (isFinal(error)) throw error;
              return { kind: "noUplink", reason: messageOf(error) };
            },
          ),
        );
      case "resolve":
        return post(
          resolveService(settings.service).then(
            (candidates) => ({ kind: "resolved", candidates }),
            (error) => ({ kind: "unresolved", reason: messageOf(error) }),
          ),
        );
      case "ask":
        return ask(effect);
      case "sendDhcp":
        return tunnelSockets()?.sendDhcp(effect.message, effect.destination, effect.vtep);
      case "watchAddress":
        tunnelSockets()?.watchAddress(effect.address);
        return;
      case "sendProbe":
        history.probed(effect.nonce, now());
        return tunnelSockets()?.sendProbe(effect.nonce, effect.form);
      case "pointResolvConf":
        return pointResolvConf(effect.gateway);
      case "log":
        why = whyOf(effect);
        return log[effect.level](effect.message, { ...effect.fields });
      case "exit":
        return ended.resolve();
    }
  }

  function post(event: Promise<ClientEvent>): void {
    event.then((happened) => loop.post(happened), ended.reject);
  }

  function ask({ candidates, avoid, tries }: Extract<ClientEffect, { kind: "ask" }>): void {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const { path } = settings.service;
    const host = formatService(settings.service).replace(/\/.*/, "");
    askForGateway({ candidates, tries, path, host, signal, ...(avoid === undefined ? {} : { avoid }) }).then(
      (answer) => signal.aborted || loop.post({ kind: "answered", answer }),
      (error) => signal.aborted || loop.post({ kind: "unanswered", reason: messageOf(error) }),
    );
  }

  /** The sockets of the present tunnel, or of the one that is just given up; `undefined` when its device is gone. */
  function tunnelSockets(): ClientSockets | undefined {
    const link = linkOf(loop.state);
    if (link === undefined) return sockets?.of;
    const { tunnel, uplink } = link;
    const key = socketsKey(config.net.device, link);
    if (sockets?.key === key) return sockets.of;
    sockets?.of[Symbol.dispose]();
    sockets = undefined;
    try {
      sockets = {
        key,
        of: new ClientSockets(config.net.device, uplink.address, tunnel, {
          dhcp: (message, from) => loop.post({ kind: "dhcp", message, from }),
          conflict: (claim) => loop.post({ kind: "conflict", ...claim }),
          probeAnswer: (nonce, condition) => {
            history.heard(nonce, now());
            loop.post({ kind: "probeAnswer", nonce, ...(condition === undefined ? {} : { condition }) });
          },
          undelivered: (fault) => loop.post({ kind: "undelivered", fault }),
          reached: () => loop.post({ kind: "reached" }),
        }),
      };
      return sockets.of;
    } catch (error) {
      log.warn("no socket on {device}: {error}", { device: config.net.device, error });
      return undefined;
    }
  }

  function closeStaleSockets(state: ClientState): void {
    if (sockets !== undefined && linkOf(state) === undefined) {
      sockets.of[Symbol.dispose]();
      sockets = undefined;
    }
  }

  function pointResolvConf(gateway: Ipv4): void {
    if (settings.dns === "off") return;
    try {
      const text = Deno.readTextFileSync(resolvConfPath);
      const pointed = clientResolvConf(text, formatIpv4(gateway));
      // It is a bind mount that the Pod's containers share.
      if (pointed !== text) overwriteText(resolvConfPath, pointed);
    } catch (cause) {
      const problem = `${resolvConfPath} cannot be pointed at the gateway: ${messageOf(cause)}`;
      if (settings.dns === "require" || settings.foreignDns === "reject") {
        const remedy = settings.dns === "require" ? "PGW_CLIENT_DNS=auto" : "PGW_CLIENT_FOREIGN_DNS=redirect";
        ended.reject(new ClientError(`${problem}; make it writable, or set ${remedy}`, { cause }));
      } else {
        log.info(`${problem}; DNS questions are led there by the firewall`);
      }
    }
  }

  using _signals = onSignals({
    stop: () => loop.post({ kind: "stop" }),
    look() {
      reopenLogAtSignal();
      applier.look();
      loop.post({ kind: "look" });
    },
  });
  let http: HttpServer | undefined;
  try {
    loop.start();
    http = serveHttp(
      settings.httpPort,
      clientHttp(() => loop.state, { history, applier, blocked, device: config.net.device }),
    );
    applier.keepRepaired();
    applier.see();
    await ended.promise;
  } finally {
    asking.abort();
    http?.[Symbol.dispose]();
    applier.close();
    loop.close();
    sockets?.of[Symbol.dispose]();
  }
}

function whyOf({ message, cause, moves }: LogEffect): Why {
  const word = cause ?? moves;
  return { sentence: message, ...(word === undefined ? {} : { word }) };
}

/** A client without it does its work all the same: an application may have taken the port. */
function serveHttp(port: number, handler: HttpHandler): HttpServer | undefined {
  try {
    return new HttpServer({ hostname: "0.0.0.0", port }, handler);
  } catch (error) {
    log.warn("no status over HTTP: port {port} cannot be had: {error}", { port, error });
    return undefined;
  }
}

/** What an earlier process left. */
async function lookForTunnel(device: string, uplinkName?: string): Promise<FoundTunnel | undefined> {
  const observed = await observe();
  const link = observed.links.find(({ name }) => name === device);
  if (link !== undefined && !link.ours) {
    throw new ConflictError(
      `there is a device '${device}' that pgw did not make: remove it with 'ip link delete ${device}', or choose another ` +
        "name with PGW_VXLAN_DEVICE",
    );
  }
  try {
    return findTunnel(observed, findUplink(observed, uplinkName), device, now());
  } catch (error) {
    log.debug("no tunnel is taken over: {error}", { error });
    return undefined;
  }
}

function clientConfig(mode: ClientConfig["mode"], settings: ClientSettings): ClientConfig {
  return {
    mode,
    net: clientNetConfig(settings),
    service: formatService(settings.service),
    fallback: { id: settings.vxlanId, port: settings.vxlanPort, network: settings.vxlanNetwork },
    httpPort: settings.httpPort,
    watch: { intervalMs: settings.pingIntervalMs, misses: settings.pingMisses },
    hostName: Deno.hostname(),
  };
}

/** The addresses behind SERVICE. @throws {ResolveError | ClientError} */
export async function resolveService(service: Service): Promise<Candidate[]> {
  if (service.kind === "address") {
    if (service.family === 4) return [{ address: service.address, port: service.port }];
    throw new ClientError(`${formatService(service)} is an IPv6 address: the tunnel needs an IPv4 one`);
  }
  const { nameservers, search, options } = podResolvConf(readTextIfThere(resolvConfPath));
  const ndots = Number(options.find((option) => option.startsWith("ndots:"))?.slice(6) ?? 1);
  const addresses = await resolveName(service.name, {
    nameservers: nameservers.filter(isIpv4).map(parseIpv4).filter((address) => address >>> 24 !== 127),
    search,
    ndots,
    hosts: readTextIfThere("/etc/hosts"),
  });
  return addresses.map((address) => ({ address, port: service.port }));
}

function wanted(config: ClientConfig, state: ClientState, nest: boolean, stage: number): Wanted | undefined {
  const view = phaseOf(state);
  if (view === undefined) return undefined;
  return {
    state: () => clientNetState(config.net, view, now(), nest),
    firewallOnly: view.uplink === undefined,
    key: `${keyOf(config, state, view)} ${nest}`,
    stage,
    opens: isOpen(view),
  };
}

/** What the kernel should hold in a state is asked for several times. */
const keys = new WeakMap<ClientState, string>();

function keyOf(config: ClientConfig, state: ClientState, view: ClientPhase): string {
  const known = keys.get(state);
  if (known !== undefined) return known;
  const withBigints = (_: string, value: unknown) => typeof value === "bigint" ? `${value}` : value;
  const key = JSON.stringify(clientNetState(config.net, view, 0), withBigints);
  keys.set(state, key);
  return key;
}

function linkOf(state: ClientState): Link | undefined {
  return "link" in state ? state.link : undefined;
}

/** Sockets are good for one device and one gateway: a device made anew has another number. */
function socketsKey(device: string, { uplink, tunnel: { remote, id, port, gateway } }: Link): string {
  return [interfaceIndex(device), uplink.address, remote, id, port, gateway].join();
}
