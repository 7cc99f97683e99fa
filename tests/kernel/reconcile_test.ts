import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac, gatewayMac, parseMac } from "../../mod/addr/mac.ts";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { ConflictError } from "../../mod/errors.ts";
import { changeRequests } from "../../mod/linux/changes.ts";
import { existingIndex } from "../../mod/linux/interface_index.ts";
import { Netlink, type Request } from "../../mod/linux/netlink.ts";
import { NetworkLook } from "../../mod/linux/network_look.ts";
import { observe, observeUplink, reconcile, type ReconcileOptions, showApplied } from "../../mod/linux/reconcile.ts";
import { clientNetState, type ClientPhase, type Tunnel } from "../../mod/netstate/client.ts";
import { firstTable } from "../../mod/netstate/names.ts";
import { type NetState, nothing, type Route, type VxlanLink } from "../../mod/netstate/state.ts";
import { vxlanLink as tunnel } from "../unit/netstate/fixtures.ts";
import { ip, kernelTest, podNetwork, runner } from "./namespace.ts";

function route(destination: string, hop: Partial<Extract<Route["hop"], { kind: "device" }>>, metric = 0): Route {
  return {
    destination: parsePrefix(destination),
    table: "main",
    metric,
    hop: { kind: "device", device: "vxlan3150", ...hop },
  };
}

async function apply(state: Partial<NetState>, options: ReconcileOptions = {}): Promise<string[]> {
  const applied = await reconcile(runner, { ...nothing, ...state }, options);
  assert.deepEqual(await reconcile(runner, { ...nothing, ...state }), [], "a second time nothing is done");
  return applied.map(showApplied);
}

/** The lines that `ip` prints for `what`, without trailing blanks. */
async function shown(what: string): Promise<string[]> {
  return (await ip(what)).split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

kernelTest("a client's phases one after the other, and back: the uplink is found in each", async () => {
  await podNetwork();
  const uplink = await observeUplink();
  const config = {
    device: "vxlan3150",
    localCidrs: [parsePrefix("10.0.0.0/8")],
    nameservers: [parseIpv4("172.20.0.10")],
    foreignDns: "redirect" as const,
  };
  const gateway = parseIpv4("172.29.0.1");
  const tunnel: Tunnel = {
    remote: parseIpv4("10.42.0.6"),
    id: 3150,
    port: 4789,
    mtu: 1400,
    mac: clientMac(parseIpv4("10.42.0.5")),
    gateway,
    gatewayMac: gatewayMac(gateway),
  };
  const lease = { address: parseIpv4("172.29.0.20"), prefixLength: 24, expiresAt: 3_600_000 };
  const phases: ClientPhase[] = [
    { phase: "discovering", uplink, candidates: [{ address: parseIpv4("10.42.0.6"), port: 80 }] },
    { phase: "leasing", uplink, tunnel },
    { phase: "verifying", uplink, tunnel, lease },
    { phase: "open", uplink, tunnel, lease },
    { phase: "discovering", uplink, candidates: [] },
  ];
  for (const view of phases) {
    assert.notDeepEqual(await apply(clientNetState(config, view, 0)), [], view.phase);
    assert.deepEqual(await observeUplink(), uplink, view.phase);
  }
});

kernelTest("the Pod's own default routes leave main, where unreachable stands, and ours comes and goes", async () => {
  await podNetwork();
  const unreachable: Route[] = ["0.0.0.0/0", "::/0"].map((text) => ({
    destination: parsePrefix(text),
    table: "main",
    metric: 4_294_967_295,
    hop: { kind: "unreachable" },
  }));
  const exclusive = unreachable.map(({ destination, table }) => ({ destination, table }));
  const kept = [
    { ...route("0.0.0.0/0", { device: "eth0", via: "10.42.0.1" }), table: 3150 },
    { ...route("::/0", { device: "eth0", via: "2001:db8:42::1" }), table: 3150 },
  ];
  await apply({ exclusive, routes: [...unreachable, ...kept] });
  assert.deepEqual(await shown("route show default"), ["unreachable default proto 80 metric 4294967295"]);
  assert.deepEqual(await shown("-6 route show default"), [
    "unreachable default dev lo proto 80 metric 4294967295 pref medium",
  ]);
  assert.deepEqual(await shown("route show table 3150"), ["default via 10.42.0.1 dev eth0 proto 80"]);
  await ip("route add default via 10.42.0.1", "-6 route add default via 2001:db8:42::1 metric 7");
  await apply({ exclusive, routes: [...unreachable, ...kept] });
  assert.deepEqual(await shown("route show default"), ["unreachable default proto 80 metric 4294967295"]);

  const viaTunnel = [route("172.29.0.1/32", {}), route("0.0.0.0/0", { via: "172.29.0.1" })];
  await ip("route add default via 10.42.0.1");
  await apply({ exclusive, links: [tunnel], routes: [...viaTunnel, ...unreachable, ...kept] });
  assert.deepEqual(await shown("route show default"), [
    "default via 172.29.0.1 dev vxlan3150 proto 80",
    "unreachable default proto 80 metric 4294967295",
  ]);
  await apply({ routes: [route("0.0.0.0/0", { device: "eth0", via: "10.42.0.1" })] });
  assert.deepEqual(await shown("route show default"), ["default via 10.42.0.1 dev eth0 proto 80"]);
});

kernelTest("a link is changed in place where the kernel can, else made anew with all that stands on it", async () => {
  await podNetwork();
  const state = {
    addresses: [{ device: "vxlan3150", address: parseIpv4("172.29.0.20"), prefixLength: 24 }],
    routes: [route("172.29.0.1/32", {}), route("203.0.113.0/24", { via: "172.29.0.1" })],
    neighbors: [{ device: "vxlan3150", address: parseIpv4("172.29.0.1"), mac: gatewayMac(parseIpv4("172.29.0.1")) }],
  };
  await apply({ ...state, links: [tunnel] });
  const index = async () => (await observe()).links.find(({ name }) => name === "vxlan3150")?.index;
  const first = await index();
  assert.deepEqual(await apply({ ...state, links: [{ ...tunnel, mtu: 1300, mac: parseMac("02:00:00:00:00:99") }] }), [
    "link set dev vxlan3150 address 02:00:00:00:00:99 mtu 1300 group 80 up",
    // With the address of a device the kernel forgets its neighbours.
    "neighbor replace 172.29.0.1 lladdr 02:77:ac:1d:00:01 dev vxlan3150 nud permanent",
  ]);
  const elsewhere = { ...tunnel, remote: parseIpv4("10.42.0.7") };
  await apply({ ...state, links: [elsewhere] });
  assert.match(await ip("-details link show vxlan3150"), /vxlan id 3150 remote 10\.42\.0\.7 /);
  assert.equal(await index(), first);
  const changes: Partial<VxlanLink>[] = [{ id: 7 }, { port: 4790 }, { local: parseIpv4("10.42.0.9") }];
  for (const change of changes) {
    const before = await index();
    assert.equal((await apply({ ...state, links: [{ ...tunnel, ...change }] }))[0], "link delete dev vxlan3150");
    assert.notEqual(await index(), before);
    assert.deepEqual(await shown("route show 203.0.113.0/24"), [
      "203.0.113.0/24 via 172.29.0.1 dev vxlan3150 proto 80",
    ]);
    assert.deepEqual(await shown("neighbor show dev vxlan3150 nud permanent"), [
      "172.29.0.1 lladdr 02:77:ac:1d:00:01 PERMANENT",
    ]);
  }
  await ip("link set dev vxlan3150 down");
  await apply({ ...state, links: [tunnel] });
  assert.deepEqual(await apply({}), ["link delete dev vxlan3150"]);
});

kernelTest("a device is known to be ours from its first instant, wherever this process ends", async () => {
  await podNetwork();
  using netlink = new Netlink();
  const [create] = changeRequests({ kind: "add link", link: tunnel }, existingIndex);
  await netlink.change(create!);
  assert.equal((await observe()).links.find(({ name }) => name === "vxlan3150")?.ours, true);
});

kernelTest("a device of the wanted name that someone else made is refused, unless it is what is wanted", async () => {
  await podNetwork();
  await ip("link add vxlan3150 type vxlan id 42 dstport 4789 dev eth0 local 10.42.0.5 remote 10.42.0.6");
  await assert.rejects(
    apply({ links: [tunnel] }),
    (error) =>
      error instanceof ConflictError && /id is 42 instead of 3150.*ip link delete vxlan3150/.test(error.message),
  );
  await ip("link delete vxlan3150", "link add vxlan3150 type veth peer name other");
  await assert.rejects(apply({ links: [tunnel] }), /it is veth, not vxlan/);
  await ip("link delete vxlan3150", "link add rival type vxlan id 3150 dstport 4789 dev eth0");
  await assert.rejects(
    apply({ links: [tunnel] }),
    (error) => error instanceof ConflictError && /'rival'.*VXLAN id 3150 on port 4789/.test(error.message),
  );
  await ip(
    "link delete rival",
    "link add vxlan3150 type vxlan id 3150 dstport 4789 dev eth0 local 10.42.0.5 remote 10.42.0.6",
  );
  assert.deepEqual(await apply({ links: [tunnel] }), [
    "link set dev vxlan3150 address 02:78:0a:2a:00:05 group 80 up",
  ]);
});

kernelTest("the firewall is applied even if the rest is refused", async () => {
  await podNetwork();
  await ip("link add vxlan3150 type veth peer name other");
  const closed = { chains: [{ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules: ["-j REJECT"] }] } as const;
  await assert.rejects(apply({ links: [tunnel], firewall: { v4: closed, v6: closed } }), ConflictError);
  assert.match(await runner.run(["iptables", "-S", "OUTPUT"]), /-j PGW-OUTPUT/);
});

kernelTest(
  "another lease: the old address goes, routes by way of it stay; a shorter or longer one is set anew",
  async () => {
    await podNetwork();
    const state = (address: string, validSeconds?: number) => ({
      links: [tunnel],
      addresses: [{
        device: "vxlan3150",
        address: parseIpv4(address),
        prefixLength: 24,
        ...(validSeconds === undefined ? {} : { validSeconds }),
      }],
      routes: [route("172.29.0.1/32", {}), route("203.0.113.0/24", { via: "172.29.0.1" })],
    });
    await apply(state("172.29.0.20", 600));
    await apply(state("172.29.0.21", 600));
    assert.equal((await shown("route show proto 80")).length, 2);
    assert.deepEqual(await apply(state("172.29.0.21", 601)), []);
    assert.deepEqual(await apply(state("172.29.0.21", 602), { lifetimes: "exact" }), [
      "address replace 172.29.0.21/24 dev vxlan3150 valid_lft 602 preferred_lft 602",
    ]);
    assert.deepEqual(await apply(state("172.29.0.21", 700)), [
      "address replace 172.29.0.21/24 dev vxlan3150 valid_lft 700 preferred_lft 700",
    ]);
    await apply(state("172.29.0.21"));
    const addresses = (await observe()).addresses.filter(({ device, family }) =>
      device === "vxlan3150" && family === 4
    );
    assert.deepEqual(addresses, [
      { device: "vxlan3150", family: 4, address: "172.29.0.21", prefixLength: 24, scope: "global" },
    ]);
    // The lease is lost: the kernel takes the routes with the last address, and what is wanted of them comes back.
    await apply({ links: [tunnel], routes: [route("172.29.0.1/32", {})] });
  },
);

kernelTest("a route whose way changes is replaced, and a rival of the Pod's own stands", async () => {
  await podNetwork();
  await apply({ routes: [route("10.0.0.0/8", { device: "eth0", via: "10.42.0.1" })] });
  assert.deepEqual(await apply({ routes: [route("10.0.0.0/8", { device: "eth0", via: "10.42.0.2", mtu: 1400 })] }), [
    "route replace 10.0.0.0/8 via 10.42.0.2 dev eth0 table main metric 0 mtu 1400 proto 80",
  ]);
  assert.deepEqual(await apply({ routes: [route("10.42.0.0/24", { device: "eth0", via: "10.42.0.1" })] }), [
    "route delete 10.0.0.0/8 via 10.42.0.2 dev eth0 table main metric 0 mtu 1400 proto 80",
  ]);
  assert.deepEqual(await shown("route show 10.42.0.0/24"), [
    "10.42.0.0/24 dev eth0 proto kernel scope link src 10.42.0.5",
  ]);
});

kernelTest(
  "a route of ours in the table that is looked in first comes and goes; the kernel's own there stay",
  async () => {
    await podNetwork();
    const before = await shown("route show table local");
    await apply({ routes: [{ ...route("172.29.0.0/24", { device: "eth0" }), table: firstTable }] });
    assert.deepEqual(await shown("route show table local proto 80"), ["172.29.0.0/24 dev eth0 scope link"]);
    await apply({});
    assert.deepEqual(await shown("route show table local"), before);
  },
);

kernelTest("a default route with several next hops, a source and an MTU is removed and can be kept", async () => {
  await podNetwork();
  await ip(
    "route delete default",
    "route add default src 10.42.0.5 mtu 1400 nexthop via 10.42.0.1 dev eth0 nexthop via 10.42.0.2 dev eth0",
    "route add default via 10.42.0.3 dev eth0 metric 50 onlink src 10.42.0.5",
  );
  const exclusive = [{ destination: parsePrefix("0.0.0.0/0"), table: "main" as const }];
  await apply({
    exclusive,
    routes: [{
      ...route("0.0.0.0/0", { device: "eth0", via: "10.42.0.3", onlink: true, source: "10.42.0.5" }),
      table: 3150,
    }],
  });
  assert.deepEqual(await shown("route show default"), []);
  assert.deepEqual(await shown("route show table 3150"), [
    "default via 10.42.0.3 dev eth0 proto 80 src 10.42.0.5 onlink",
  ]);
});

kernelTest("rules and interface settings of both kinds", async () => {
  await podNetwork();
  const state: Partial<NetState> = {
    rules: [
      ...[4, 6].map((family) => ({ family: family as 4 | 6, priority: 3150, mark: 0x3150, table: 3150 })),
      { family: 4, priority: 3152, ownToPort: 53, table: 3151 },
    ],
    interfaceSettings: [{ device: "eth0", forwarding: true, rpFilter: "off" }],
  };
  await ip("rule add priority 3150 fwmark 0x99 lookup 99");
  assert.equal((await apply(state)).length, 4);
  assert.deepEqual(await shown("rule show priority 3152"), [
    "3152:\tfrom all iif lo dport 53 lookup 3151 proto 80",
  ]);
  assert.deepEqual(await shown("-6 rule show priority 3150"), ["3150:\tfrom all fwmark 0x3150 lookup 3150 proto 80"]);
  assert.equal((await apply({})).length, 3);
  assert.deepEqual(await shown("rule show priority 3150"), ["3150:\tfrom all fwmark 0x99 lookup 99"]);
});

kernelTest("what was just seen is changed from, and others' changes since then are found all the same", async () => {
  await podNetwork();
  const networkLook = new NetworkLook(Infinity);
  const address = { device: "vxlan3150", address: parseIpv4("172.29.0.20"), prefixLength: 24 };
  const routes = [route("198.51.100.0/24", {}), route("192.0.2.0/24", {})];
  const become = async (state: Partial<NetState>) => {
    const applied = await reconcile(runner, { ...nothing, ...state }, { networkLook });
    assert.deepEqual(await apply(state), [], "a look finds nothing to do");
    return applied.map(showApplied);
  };
  await become({ links: [tunnel] });

  // As it was seen.
  await become({ links: [tunnel], addresses: [address] });

  // One of the routes is there already, so that the kernel refuses to add it.
  await ip("route add 198.51.100.0/24 dev vxlan3150 proto 80");
  await become({ links: [tunnel], addresses: [address], routes });

  // What is not wanted any more is gone already, and so is what was thought to be there.
  await ip("route delete 192.0.2.0/24 dev vxlan3150", "address delete 172.29.0.20/24 dev vxlan3150");
  await become({ links: [tunnel], addresses: [address], routes: routes.slice(0, 1) });

  // Nothing is to be done, for all that was seen.
  await ip("route delete 198.51.100.0/24 dev vxlan3150");
  assert.equal((await become({ links: [tunnel], addresses: [address], routes: routes.slice(0, 1) })).length, 1);
});

kernelTest("what is taken out of the kernel is ours alone", async () => {
  await podNetwork();
  await ip(
    "link add vxlan9 type vxlan id 9 dstport 9999 dev eth0",
    "route add 198.51.100.0/24 via 10.42.0.1 proto static",
  );
  const before = await observe();
  const closed = { chains: [{ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules: ["-j REJECT"] }] } as const;
  await apply({
    links: [tunnel],
    addresses: [{ device: "vxlan3150", address: parseIpv4("172.29.0.20"), prefixLength: 24 }],
    routes: [route("203.0.113.0/24", {}), { ...route("0.0.0.0/0", { device: "eth0" }), table: 3150 }],
    rules: [{ family: 4, priority: 3150, mark: 0x3150, table: 3150 }],
    firewall: { v4: closed, v6: closed },
  });
  await reconcile(runner, nothing, { firewall: "last" });
  assert.deepEqual(await observe(), before);
  assert.deepEqual(await reconcile(runner, nothing, { firewall: "last" }), []);
});

kernelTest("who changes everything back is told of", async () => {
  await podNetwork();
  class Spiteful extends Netlink {
    override async change(request: Request): Promise<void> {
      await super.change(request);
      if (request.operation.startsWith("route add 203.0.113.0/24")) await ip("route delete 203.0.113.0/24");
    }
  }
  using netlink = new Spiteful();
  await assert.rejects(
    reconcile(runner, { ...nothing, routes: [route("203.0.113.0/24", { device: "eth0" })] }, { netlink }),
    /something else in this Pod changes it: route add 203\.0\.113\.0\/24/,
  );
});

kernelTest("a change that the kernel refuses is told in words, with its reason", async () => {
  await podNetwork();
  await assert.rejects(
    reconcile(runner, { ...nothing, routes: [route("203.0.113.0/24", { device: "eth0", via: "198.51.100.1" })] }),
    /route add 203\.0\.113\.0\/24 via 198\.51\.100\.1 dev eth0 .* failed: ENETUNREACH/,
  );
  await assert.rejects(
    reconcile(runner, { ...nothing, routes: [route("203.0.113.0/24", { device: "nowhere" })] }),
    /finding nowhere failed: ENODEV/,
  );
});

kernelTest("everything is seen of a Pod that has more than one datagram of the kernel holds", async () => {
  await podNetwork();
  const more = Array.from({ length: 900 }, (_, index) => `198.18.${index >> 8}.${index & 0xff}/32`);
  await apply({ routes: more.map((destination) => route(destination, { device: "eth0" })) });
  const seen = (await observe()).routes.filter(({ ours }) => ours);
  assert.equal(seen.length, more.length);
});
