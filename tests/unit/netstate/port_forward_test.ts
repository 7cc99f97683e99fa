import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIpv4 } from "../../../mod/addr/ipv4.ts";
import { gatewayNetState } from "../../../mod/netstate/gateway.ts";
import { belongsTo, NamedClients, type NamedLease, type PortForward } from "../../../mod/netstate/port_forward.ts";
import { gatewayConfig, gatewayView, ip } from "./fixtures.ts";

const forwards: readonly PortForward[] = [
  { protocol: "tcp", ports: { first: 80, last: 80 }, client: { kind: "name", name: "media" } },
  {
    protocol: "tcp",
    ports: { first: 81, last: 81 },
    client: { kind: "name", name: "plex", fallback: ip("172.29.0.11") },
  },
  { protocol: "tcp", ports: { first: 82, last: 82 }, client: { kind: "address", address: ip("172.29.0.12") } },
];

function led(clients: NamedClients): string[] {
  return clients.lead(forwards).map(({ ports, address }) => `${ports.first} ${formatIpv4(address)}`);
}

const lease = (address: string, hostName?: string, isBound = true, until = 1_000): NamedLease => ({
  address: ip(address),
  isBound,
  until,
  ...(hostName === undefined ? {} : { hostName }),
});

Deno.test(
  "a Pod's name belongs to that of its Deployment, StatefulSet, DaemonSet or Job",
  { permissions: "none" },
  () => {
    for (const host of ["media", "MEDIA", "media.ns", "media-0", "media-12", "media-x7k2p", "media-6d5f4c7b9-x2x7z"]) {
      assert.equal(belongsTo(host, "media"), true, host);
    }
    for (
      const host of ["media-server", "media-server-0", "media-server-6d5f4c7b9-x2x7z", "mediax", "me", "x-media-0", ""]
    ) {
      assert.equal(belongsTo(host, "media"), false, host);
    }
  },
);

Deno.test("a forward follows its client, and the newest of several", { permissions: "none" }, () => {
  const clients = new NamedClients(forwards);
  assert.deepEqual(led(clients), ["81 172.29.0.11", "82 172.29.0.12"]);
  assert.equal(clients.learn(lease("172.29.0.20", "media-0")), true);
  assert.equal(clients.learn(lease("172.29.0.21", "other-0")), false);
  assert.deepEqual(led(clients), ["80 172.29.0.20", "81 172.29.0.11", "82 172.29.0.12"]);
  assert.equal(clients.learn(lease("172.29.0.30", "media-1")), true, "a newer one");
  assert.equal(clients.learn(lease("172.29.0.20", "media-0")), false, "a renewal does not make the older one newer");
  assert.equal(led(clients)[0], "80 172.29.0.30");
  assert.equal(clients.learn(lease("172.29.0.30", "media-1", false)), true, "released: the one before is there still");
  assert.equal(led(clients)[0], "80 172.29.0.20");
  assert.equal(clients.learn(lease("172.29.0.20", "stranger")), true, "the address is somebody else's now");
  assert.deepEqual(led(clients), ["81 172.29.0.11", "82 172.29.0.12"]);
  clients.learn(lease("172.29.0.40", "plex-6d5f4c7b9-x2x7z"));
  assert.equal(led(clients)[0], "81 172.29.0.40");
});

Deno.test("a lease that is not renewed ends, and with it its name", { permissions: "none" }, () => {
  const clients = new NamedClients(forwards);
  assert.equal(clients.nextEnd, Infinity);
  clients.learn(lease("172.29.0.20", "media-0", true, 2_000));
  clients.learn(lease("172.29.0.30", "media-1", true, 1_000));
  clients.learn(lease("172.29.0.40", "other-0", true, 500));
  assert.equal(clients.nextEnd, 1_000);
  assert.equal(clients.expire(999), false);
  assert.equal(led(clients)[0], "80 172.29.0.30");
  assert.equal(clients.expire(1_000), true, "the Pod was killed: the one before is there still");
  assert.equal(led(clients)[0], "80 172.29.0.20");
  assert.equal(clients.learn(lease("172.29.0.20", "media-0", true, 3_000)), false);
  assert.equal(clients.nextEnd, 3_000);
  assert.equal(clients.expire(2_000), false, "it was renewed");
  assert.equal(clients.expire(3_000), true);
  assert.deepEqual(led(clients), ["81 172.29.0.11", "82 172.29.0.12"]);
  assert.equal(clients.nextEnd, Infinity);
});

Deno.test(
  "of many that bear one name, the end of those that are forgotten is not waited for",
  { permissions: "none" },
  () => {
    const clients = new NamedClients(forwards);
    for (let host = 0; host < 200; host++) {
      clients.learn(lease(`172.29.0.${20 + host}`, `media-${host}`, true, 1_000 + host));
    }
    assert.equal(clients.nextEnd, 1_184, "16 are remembered");
  },
);

Deno.test("whatever clients call themselves, rules are made of addresses and numbers", { permissions: "none" }, () => {
  const config = { ...gatewayConfig, vpnInterface: "tun0" };
  const name = fc.oneof(fc.string(), fc.string().map((text) => `media-${text}`), fc.constantFrom("media-0", "plex"));
  const anyLease = fc.record({
    address: fc.integer({ min: ip("172.29.0.2"), max: ip("172.29.0.254") }),
    isBound: fc.boolean(),
    until: fc.constant(1_000),
    hostName: name,
  });
  fc.assert(fc.property(fc.array(anyLease, { maxLength: 60 }), (leases) => {
    const clients = new NamedClients(forwards);
    for (const lease of leases) clients.learn(lease);
    const { firewall } = gatewayNetState(config, gatewayView, { forwards: clients.lead(forwards) });
    for (const { rules } of firewall.v4.chains) {
      for (const rule of rules) assert.match(rule, /^[-! A-Za-z0-9.:/,]+$/);
    }
    const [nat] = firewall.v4.chains.filter(({ name }) => name === "PGW-PREROUTING");
    for (const rule of nat!.rules) {
      assert.match(rule, /^-i tun0 -p tcp -m tcp --dport 8[012] -j DNAT --to-destination 172\.29\.0\.\d+$/);
    }
  }));
});
