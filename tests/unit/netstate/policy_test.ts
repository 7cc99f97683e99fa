/** Compares `docs/security.md` with what the generated routes and rules do with packets of each kind. */

import assert from "node:assert/strict";
import { clientNetState } from "../../../mod/netstate/client.ts";
import { type GatewayLearned, type GatewayNetConfig, gatewayNetState } from "../../../mod/netstate/gateway.ts";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import type { Firewall } from "../../../mod/netstate/state.ts";
import { clientTraffic, fateOf } from "./client_traffic.ts";
import { evaluate } from "./firewall_evaluator.ts";
import { config, gatewayConfig, gatewayView, ip, phases, uplink } from "./fixtures.ts";
import { gatewayTraffic } from "./gateway_traffic.ts";
import { mainRoute, type Pod, podWith, receive, send, type Sent, showFate, showSent } from "./packet_walk.ts";
import { policyTable } from "./policy_table.ts";

const page = new URL("../../../docs/security.md", import.meta.url);
const permissions = { read: [page] };
const phaseNames = Object.keys(phases) as (keyof typeof phases)[];

const withVpn: GatewayNetConfig = { ...gatewayConfig, vpnInterface: "tun0" };
const nothingLearned: GatewayLearned = {
  forwards: [{ protocol: "tcp", ports: { first: 18_289, last: 18_289 }, address: ip("172.29.0.20"), toPort: 51_413 }],
};
/** The columns of the gateway's table. */
const gatewayColumns: Readonly<Record<string, { config?: GatewayNetConfig; learned?: GatewayLearned }>> = {
  "any way out": {},
  "not isolated": { config: { ...gatewayConfig, isolation: false } },
  VPN: { config: withVpn },
  "VPN known": {
    config: withVpn,
    learned: { ...nothingLearned, endpoints: [{ prefix: parsePrefix("198.51.100.1"), port: 1194, protocol: "udp" }] },
  },
};

function podIn(phase: keyof typeof phases): Pod {
  return podWith(clientNetState(config, phases[phase], 0, true), uplink);
}

Deno.test("docs/security.md: the client's table is what its rules and routes do", { permissions }, () => {
  const table = policyTable(Deno.readTextFileSync(page), "client");
  assert.deepEqual([...table.keys()], [...clientTraffic.keys()]);
  for (const [name, traffic] of clientTraffic) {
    assert.deepEqual([...table.get(name)!.keys()], phaseNames);
    for (const phase of phaseNames) {
      for (const packet of traffic.packets) {
        const fate = fateOf(podIn(phase), traffic, packet, phases[phase]);
        assert.equal(fate, table.get(name)!.get(phase), `${phase}: ${name}: ${showSent(packet)}`);
      }
    }
  }
});

Deno.test(
  "where the Pod has one interface, all is the same but for what comes in by others",
  { permissions: "none" },
  () => {
    for (const phase of phaseNames) {
      const pod = podWith(clientNetState(config, phases[phase], 0), uplink);
      for (const [name, traffic] of clientTraffic) {
        for (const packet of traffic.packets.filter((packet) => (packet.in ?? "eth0") !== "docker0")) {
          const fate = fateOf(pod, traffic, packet, phases[phase]);
          assert.equal(fate, fateOf(podIn(phase), traffic, packet, phases[phase]), `${phase}: ${name}`);
        }
      }
    }
  },
);

Deno.test("docs/security.md: the gateway's table is what its rules do", { permissions }, () => {
  const table = policyTable(Deno.readTextFileSync(page), "gateway");
  assert.deepEqual([...table.keys()], [...gatewayTraffic.keys()]);
  for (const [column, { config = gatewayConfig, learned = nothingLearned }] of Object.entries(gatewayColumns)) {
    const { firewall } = gatewayNetState(config, gatewayView, learned);
    for (const [name, packets] of gatewayTraffic) {
      for (const { hook, packet } of packets) {
        const { verdict } = evaluate(firewall[`v${packet.family}`], "filter", hook, packet);
        const cell = { accept: "allow", pass: "left", drop: "drop", reject: "reject" }[verdict];
        assert.equal(cell, table.get(name)!.get(column), `${column}: ${name}: ${showSent(packet)}`);
      }
    }
  }
});

const none: Firewall = { chains: [] };
/** What an application sends that must not be seen on the Pod's own interface. */
const secret: readonly Sent[] = [
  "out: everything else by IPv4",
  "out: connections from before the Pod was closed",
  "out: everything else by IPv6, to the Internet",
].flatMap((name) => clientTraffic.get(name)!.packets);
/** Single addresses, and the link, which a flushed firewall leaves reachable: `docs/security.md` says so. */
const reachable = ["172.20.1.6", "172.21.0.80"];

Deno.test("a flushed firewall alone leaks nothing: routing stands behind it", { permissions: "none" }, () => {
  for (const phase of phaseNames.filter((phase) => phase !== "closed")) {
    const pod = { ...podIn(phase), firewall: { v4: none, v6: none } };
    for (const packet of secret.filter(({ destination }) => !reachable.includes(destination))) {
      const fate = send(pod, packet);
      assert(fate.kind !== "sent" || fate.device !== "eth0", `${phase}: ${showSent(packet)} is ${showFate(fate)}`);
    }
  }
});

Deno.test(
  "default routes that somebody adds leak nothing: the firewall stands before them",
  { permissions: "none" },
  () => {
    for (const phase of phaseNames) {
      const pod = podIn(phase);
      const halves = ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"];
      const added = halves.map((text) => mainRoute(parsePrefix(text), "eth0"));
      for (const packet of secret) {
        const fate = send({ ...pod, routes: [...pod.routes, ...added] }, packet);
        assert(
          fate.kind !== "sent" || fate.device === "vxlan3150",
          `${phase}: ${showSent(packet)} is ${showFate(fate)}`,
        );
      }
    }
  },
);

Deno.test("an application's DNS question is led to the gateway, and pgw's own is not", { permissions: "none" }, () => {
  const questions = clientTraffic.get("out: DNS of applications, any nameserver")!.packets;
  for (const question of questions) {
    const fate = send(podIn("open"), question);
    assert(fate.kind === "sent" && fate.packet.destination === "172.29.0.1" && fate.packet.destinationPort === 53);
  }
  for (const question of clientTraffic.get("out: DNS of pgw itself")!.packets) {
    const fate = send(podIn("open"), question);
    assert(fate.kind === "sent" && fate.packet.destination === question.destination);
  }
});

Deno.test("a question that was led to the gateway leaves by no other device, if the tunnel's is gone", {
  permissions: "none",
}, () => {
  const pod = podIn("open");
  const left = pod.routes.filter(({ hop }) => hop.kind !== "device" || hop.device !== "vxlan3150");
  const another = mainRoute(parsePrefix("0.0.0.0/0"), "eth0", "10.42.0.1");
  for (const question of clientTraffic.get("out: DNS of applications, any nameserver")!.packets) {
    // Nor by the loopback, whose default route stands behind all others: conntrack would keep what it was there.
    for (const routes of [[...left, another], left]) {
      assert.equal(showFate(send({ ...pod, routes }, question)), "unroutable", showSent(question));
    }
  }
});

Deno.test("a question of a socket that is bound to another device is refused, and not led anywhere", {
  permissions: "none",
}, () => {
  for (const question of clientTraffic.get("out: DNS of applications, any nameserver")!.packets) {
    for (const phase of phaseNames) {
      for (const out of ["eth0", "docker0", "lo"]) {
        assert.equal(showFate(send(podIn(phase), { ...question, out })), "reject", `${phase}: ${showSent(question)}`);
      }
    }
  }
});

Deno.test("a router's advertisement is heard where IPv6 is local, and nowhere else", { permissions: "none" }, () => {
  const advertisement = {
    in: "eth0",
    family: 6,
    protocol: "ipv6-icmp",
    destination: "ff02::1",
    icmpType: 134,
  } as const;
  const local4 = { ...config, localCidrs: config.localCidrs.filter(({ family }) => family === 4) };
  for (const [net, fate] of [[config, "delivered"], [local4, "drop"]] as const) {
    for (const phase of phaseNames) {
      const pod = podWith(clientNetState(net, phases[phase], 0), uplink);
      assert.equal(showFate(receive(pod, { ...advertisement, toThisHost: true })), fate, phase);
    }
  }
});

Deno.test("PGW_CLIENT_DNS=off: DNS is like everything else", { permissions: "none" }, () => {
  for (const phase of phaseNames) {
    const pod = podWith(clientNetState({ ...config, foreignDns: "pass" }, phases[phase], 0), uplink);
    const fate = (destination: string) =>
      showFate(send(pod, { family: 4, protocol: "udp", destination, destinationPort: 53 }));
    assert.equal(fate("10.43.0.10"), "sent by eth0 to 10.43.0.10", phase);
    const isOpen = phase === "open" || phase === "moving";
    assert.equal(fate("203.0.113.53"), isOpen ? "sent by vxlan3150 to 203.0.113.53" : "reject", phase);
  }
});

Deno.test(
  "PGW_CLIENT_FOREIGN_DNS=reject: the gateway's own DNS is asked, and no other",
  { permissions: "none" },
  () => {
    const pod = podWith(clientNetState({ ...config, foreignDns: "reject" }, phases.open, 0), uplink);
    for (const question of clientTraffic.get("out: DNS of applications, any nameserver")!.packets) {
      assert.equal(showFate(send(pod, question)), "reject", showSent(question));
      const nested = { ...question, in: "docker0", source: "192.0.2.2" };
      assert.equal(showFate(receive(pod, nested)), "reject", showSent(question));
      const asked = send(pod, { ...question, destination: "172.29.0.1" });
      assert.equal(showFate(asked), "sent by vxlan3150 to 172.29.0.1");
    }
    for (const question of clientTraffic.get("out: DNS of pgw itself")!.packets) {
      assert.equal(showFate(send(pod, question)), `sent by eth0 to ${question.destination}`);
    }
  },
);

Deno.test("a nested container's DNS question is led to the gateway as well", { permissions: "none" }, () => {
  for (const question of clientTraffic.get("out: DNS of applications, any nameserver")!.packets) {
    const nested = { ...question, in: "docker0", source: "192.0.2.2" };
    assert.equal(showFate(receive(podIn("open"), nested)), "sent by vxlan3150 to 172.29.0.1");
    assert.equal(showFate(receive(podIn("leasing"), nested)), "reject");
  }
});
