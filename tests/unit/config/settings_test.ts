import assert from "node:assert/strict";
import { formatIpv4 } from "../../../mod/addr/ipv4.ts";
import { formatPrefix } from "../../../mod/addr/prefix.ts";
import {
  type ClientSettings,
  gatewayAddress,
  type GatewaySettings,
  readClientSettings,
  readGatewaySettings,
  readHttpPort,
  SettingsError,
} from "../../../mod/config/settings.ts";
import { leaseTimes } from "../../../mod/dhcp/server_options.ts";

type Texts = Readonly<Record<string, string>>;
const gateway = (env: Texts = {}, flags: Texts = {}) => readGatewaySettings({ env, flags }).settings;
const client = (env: Texts = {}, flags: Texts = {}) =>
  readClientSettings({ env: { PGW_CLIENT_SERVICE: "gw", ...env }, flags }).settings;

function problems(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    assert(error instanceof SettingsError);
    assert.equal(error.exitCode, 2);
    assert.equal(error.message, error.problems.join("\n"));
    return error.problems;
  }
  return [];
}

Deno.test("a gateway without settings has the defaults", () => {
  const { vxlanNetwork, localCidrs, dhcpPool, ...rest } = gateway();
  assert.equal(formatPrefix(vxlanNetwork), "172.29.0.0/24");
  assert.equal(formatIpv4(gatewayAddress(vxlanNetwork)), "172.29.0.1");
  assert.deepEqual(localCidrs.map(formatPrefix), ["192.168.0.0/16", "10.0.0.0/8"]);
  assert.deepEqual([dhcpPool.first, dhcpPool.last].map(formatIpv4), ["172.29.0.20", "172.29.0.254"]);
  const expected: Partial<GatewaySettings> = {
    logLevel: "error",
    logTransports: ["console"],
    logFormat: "auto",
    vxlanId: 3150,
    vxlanPort: 4789,
    vxlanDevice: "vxlan3150",
    uplink: undefined,
    httpPort: 3150,
    stateDir: "/var/lib/pgw",
    clusterDomain: "cluster.local",
    dhcpLeaseSeconds: 43200,
    drainMs: 10_000,
    stateSync: "off",
    dnsCacheMebibytes: 16,
    dnsMinimumTtl: 0,
    dnsMaximumTtl: 86_400,
    dnsNegativeTtl: 3600,
    dnsStaleSeconds: 86_400,
    clientIsolation: "on",
    clientTraffic: "on",
    healthIntervalMs: 5000,
  };
  assert.deepEqual(rest, expected);
});

Deno.test("a client needs SERVICE alone", () => {
  const settings: ClientSettings = client();
  assert.deepEqual(settings.service, { kind: "name", name: "gw", port: 80, path: "/" });
  assert.equal(settings.pingIntervalMs, 10_000);
  assert.equal(settings.pingMisses, 3);
  assert.equal(settings.dns, "auto");
  assert.deepEqual(problems(() => readClientSettings({ env: {}, flags: {} })), [
    "SERVICE (PGW_CLIENT_SERVICE) is missing: name the gateway's Service, as in `pgw client run gateway.vpn.svc.cluster.local`",
  ]);
});

Deno.test("flags win over variables, empty texts are as good as none, blanks around a value do not count", () => {
  assert.equal(gateway({ PGW_VXLAN_ID: "7" }, { "vxlan-id": "8" }).vxlanId, 8);
  assert.equal(gateway({ PGW_VXLAN_ID: "7" }, { "vxlan-id": "" }).vxlanId, 7);
  assert.equal(gateway({ PGW_VXLAN_ID: " " }).vxlanId, 3150);
  assert.equal(gateway({ PGW_VXLAN_ID: " 7\n" }).vxlanId, 7);
  assert.deepEqual(client({}, { "client-service": "other:81" }).service, {
    kind: "name",
    name: "other",
    port: 81,
    path: "/",
  });
});

Deno.test("DNS routes: zones with servers, or a word for those that are known", () => {
  const text = "Corp.example.=10.8.0.5,10.8.0.6:5353 lan=cluster, home.example=outside\n.=tls://9.9.9.9#dns.quad9.net";
  assert.deepEqual(gateway({ PGW_DNS_ROUTES: text, PGW_DNS_REBINDING_ALLOW: "plex.direct, ." }).dnsRoutes, [
    { zone: "corp.example", servers: ["10.8.0.5", "10.8.0.6:5353"] },
    { zone: "lan", servers: "cluster" },
    { zone: "home.example", servers: "outside" },
    { zone: ".", servers: ["tls://9.9.9.9#dns.quad9.net"] },
  ]);
  assert.deepEqual(gateway({ PGW_DNS_REBINDING_ALLOW: "Plex.direct, ." }).dnsRebindingAllow, ["plex.direct", "."]);
  assert.deepEqual(problems(() => gateway({ PGW_DNS_ROUTES: "a b=c d=10.0.0.1" })).length, 2);
});

Deno.test("values are typed", () => {
  assert.equal(client({ PGW_CLIENT_PING_INTERVAL: "0.3" }).pingIntervalMs, 300);
  assert.equal(client({ PGW_CLIENT_PING_INTERVAL: "fast" }).pingIntervalMs, 300);
  assert.deepEqual(gateway({ PGW_LOCAL_CIDRS: "fd00::/8, 10.0.0.0/8" }).localCidrs.map(formatPrefix), [
    "fd00::/8",
    "10.0.0.0/8",
  ]);
  assert.deepEqual(gateway({ PGW_LOCAL_CIDRS: "none" }).localCidrs, []);
  assert.equal(formatPrefix(gateway({ PGW_VXLAN_IP_NETWORK: "172.20.0.0/16" }).vxlanNetwork), "172.20.0.0/16");
  assert.equal(gateway({ PGW_INTERFACE: "eth1" }).uplink, "eth1");
  assert.equal(gateway({ PGW_VPN_INTERFACE: "tun0" }).vpnInterface, "tun0");
  assert.equal(gateway({ PGW_CLUSTER_DOMAIN: "Corp.Example." }).clusterDomain, "corp.example");
  assert.deepEqual(gateway({ PGW_DNS_UPSTREAMS: "10.8.0.1:53 tls://9.9.9.9#dns.quad9.net" }).dnsUpstreams, [
    "10.8.0.1",
    "tls://9.9.9.9#dns.quad9.net",
  ]);
  // What looks like a Service of Kubernetes is none here.
  const { healthTargets = [] } = gateway({ PGW_HEALTH_TARGETS: "tcp://203.0.113.1:443, icmp://203.0.113.2" });
  assert.deepEqual(healthTargets.map(({ kind }) => kind), ["tcp", "icmp"]);
});

Deno.test("all problems are told together, in the order of the table, each under the name that the user used", () => {
  const env = {
    PGW_LOG_LEVEL: "verbose",
    PGW_LOCAL_CIDRS: "10.0.0.0/33 10.0.0.1/8 fd00::/8",
    PGW_VXLAN_ID: "16777216",
    PGW_VXLAN_DEVICE: "a-name-of-16-byt",
    PGW_HTTP_PORT: "65536",
    PGW_DHCP_POOL: "20",
  };
  assert.deepEqual(problems(() => readGatewaySettings({ env, flags: { "vxlan-port": "4789x" } })), [
    "PGW_LOG_LEVEL: 'verbose' is not one of debug, info, warn, error",
    "PGW_LOCAL_CIDRS: '10.0.0.0/33' is not a CIDR: the prefix length must be 0 to 32",
    "PGW_LOCAL_CIDRS: '10.0.0.1/8' is not a CIDR: bits behind the prefix are set, did you mean 10.0.0.0/8?",
    "PGW_VXLAN_ID: '16777216' is not a VXLAN id: write a number from 1 to 16777215",
    "--vxlan-port: '4789x' is not a port: write a number from 1 to 65535",
    "PGW_VXLAN_DEVICE: 'a-name-of-16-byt' is not the name of an interface: " +
    "write 1 to 15 letters, digits, dots, hyphens or underscores",
    "PGW_HTTP_PORT: '65536' is not a port: write a number from 1 to 65535",
    "PGW_DHCP_POOL: '20' is not a pool: write the first and the last host, such as 20-254 or 172.29.0.20-172.29.0.254",
  ]);
});

const wrong: readonly [Texts, RegExp][] = [
  [{ PGW_LOG_TRANSPORTS: "console syslog" }, /^PGW_LOG_TRANSPORTS: 'syslog' is not one of console, file$/],
  [{ PGW_LOG_TRANSPORTS: "file" }, /^PGW_LOG_FILE_PATH is missing: PGW_LOG_TRANSPORTS has 'file'/],
  [{ PGW_LOG_TRANSPORTS: "," }, /^PGW_LOG_TRANSPORTS: ',' is an empty list/],
  [{ PGW_VXLAN_IP_NETWORK: "172.29.0.0/30" }, /'172.29.0.0\/30' is no size for the VXLAN network: .* 16 to 29/],
  [{ PGW_VXLAN_IP_NETWORK: "172.16.0.0/15" }, /'172.16.0.0\/15' is no size/],
  [{ PGW_VXLAN_IP_NETWORK: "172.29.0.0" }, /is no size/],
  [{ PGW_VXLAN_IP_NETWORK: "172.29" }, /'172.29' is not a CIDR/],
  [{ PGW_VXLAN_IP_NETWORK: "fd00::/64" }, /is an IPv6 network/],
  [{ PGW_VXLAN_IP_NETWORK: "127.0.0" }, /is not a network of hosts/],
  [{ PGW_VXLAN_IP_NETWORK: "239.1.1" }, /is not a network of hosts/],
  [
    { PGW_LOCAL_CIDRS: "10.0.0.0/8 172.16.0.0/12" },
    /^PGW_LOCAL_CIDRS: '172.16.0.0\/12' overlaps the VXLAN network 172.29.0.0\/24: .* another PGW_VXLAN_IP_NETWORK$/,
  ],
  [{ PGW_LOCAL_CIDRS: "172.29.0.128/25" }, /'172.29.0.128\/25' overlaps the VXLAN network/],
  [{ PGW_LOCAL_CIDRS: "::/0" }, /'::\/0' would send everything around the tunnel/],
  [{ PGW_VXLAN_ID: "0" }, /is not a VXLAN id/],
  [{ PGW_VXLAN_ID: "0x10" }, /is not a VXLAN id/],
  [{ PGW_VXLAN_PORT: "3150" }, /^PGW_VXLAN_PORT: '3150' is PGW_HTTP_PORT too/],
  [{ PGW_INTERFACE: "vxlan3150" }, /^PGW_VXLAN_DEVICE: 'vxlan3150' is PGW_INTERFACE too/],
  [{ PGW_VPN_INTERFACE: "vxlan3150" }, /^PGW_VPN_INTERFACE: 'vxlan3150' is the tunnel to the clients/],
  [{ PGW_INTERFACE: "tun0", PGW_VPN_INTERFACE: "tun0" }, /^PGW_VPN_INTERFACE: 'tun0' is PGW_INTERFACE too/],
  [{ PGW_VPN_INTERFACE: "tun+" }, /is not the name of an interface/],
  [{ PGW_VPN_INTERFACE: "-j" }, /is not the name of an interface/],
  [{ PGW_VPN_INTERFACE: "tun%d" }, /is not the name of an interface/],
  [{ PGW_VPN_INTERFACE: ".." }, /is not the name of an interface/],
  [{ PGW_CLUSTER_DOMAIN: "cluster..local" }, /^PGW_CLUSTER_DOMAIN: 'cluster..local' is not a host name/],
  [{ PGW_DNS_UPSTREAMS: "10.8.0.1 dns.example" }, /^PGW_DNS_UPSTREAMS: 'dns.example' is not a DNS server/],
  [{ PGW_DNS_ROUTES: "10.8.0.5" }, /^PGW_DNS_ROUTES: '10.8.0.5' is not a route: write ZONE=SERVER/],
  [{ PGW_DNS_ROUTES: "corp.example=" }, /'corp.example=' is not a route/],
  [{ PGW_DNS_ROUTES: "corp.example=vpn" }, /^PGW_DNS_ROUTES: 'vpn' is not a DNS server/],
  [{ PGW_DNS_ROUTES: "corp..example=10.8.0.5" }, /'corp..example' is not a host name/],
  [{ PGW_DNS_ROUTES: "lan=cluster,10.8.0.5" }, /'lan=cluster,10.8.0.5' has a server beside the word cluster/],
  [
    { PGW_DNS_TTL_MIN: "60", PGW_DNS_TTL_MAX: "30" },
    /^PGW_DNS_TTL_MIN: '60' is more than PGW_DNS_TTL_MAX, which is 30$/,
  ],
  [{ PGW_DNS_CACHE_SIZE: "0" }, /^PGW_DNS_CACHE_SIZE: '0' is not a size in MiB: write a number from 1 to 1024$/],
  [{ PGW_HEALTH_TARGETS: "icmp://10.8.0.1 10.8.0.1" }, /^PGW_HEALTH_TARGETS: '10.8.0.1' cannot be asked/],
  [{ PGW_HEALTH_INTERVAL: "0" }, /^PGW_HEALTH_INTERVAL: '0' is not a time in seconds/],
  [{ PGW_DHCP_LEASE_TIME: "12h" }, /'12h' is not a lease time in seconds/],
  [
    { PGW_DHCP_POOL: "1-50" },
    /'172.29.0.1-172.29.0.50' is not in the VXLAN network: allowed are 172.29.0.2 to 172.29.0.254/,
  ],
  [{ PGW_DHCP_POOL: "20-255" }, /is not in the VXLAN network/],
  [{ PGW_DHCP_POOL: "10.0.0.2-10.0.0.9" }, /is not in the VXLAN network/],
  [
    { PGW_DHCP_POOL: "50-20" },
    /^PGW_DHCP_POOL: '172.29.0.50-172.29.0.20' is not a pool, because it ends before it begins: write the lower end first$/,
  ],
  [{ PGW_DHCP_LEASE_TIME: "2" }, /^PGW_DHCP_LEASE_TIME: '2' is not a lease time in seconds: write a number from 3 to/],
  [
    { PGW_DHCP_LEASE_TIME: "60", PGW_DHCP_REBINDING_TIME: "61" },
    /^PGW_DHCP_REBINDING_TIME: '61' is not before the end of the lease, 60 s: write a smaller number$/,
  ],
  // Each before the next, and not at the same time: a client would not know which to do.
  [{ PGW_DHCP_REBINDING_TIME: "43200" }, /^PGW_DHCP_REBINDING_TIME: '43200' is not before the end of the lease/],
  [
    { PGW_DHCP_RENEWAL_TIME: "37800" },
    /^PGW_DHCP_RENEWAL_TIME: '37800' is not before the rebinding time, 37800 s: write a smaller number$/,
  ],
  [
    { PGW_DHCP_REBINDING_TIME: "21600" },
    /^PGW_DHCP_REBINDING_TIME: '21600' is not after the renewal time, 21600 s: write a greater number, or a smaller PGW_DHCP_RENEWAL_TIME$/,
  ],
  [
    { PGW_DHCP_LEASE_TIME: "60", PGW_DHCP_RENEWAL_TIME: "53" },
    /^PGW_DHCP_RENEWAL_TIME: '53' is not before the rebinding time, 52 s/,
  ],
  [
    { PGW_DHCP_LEASE_TIME: "60", PGW_DHCP_REBINDING_TIME: "20" },
    /^PGW_DHCP_REBINDING_TIME: '20' is not after the renewal time, 30 s/,
  ],
  [
    { PGW_DHCP_ROUTER: "172.29.1.1" },
    /^PGW_DHCP_ROUTER: '172.29.1.1' is no host of 172.29.0.0\/24, so clients could not reach it: write the address of one$/,
  ],
  [{ PGW_DHCP_ROUTER: "172.29.0.255" }, /is no host of/],
  [{ PGW_DHCP_DNS: "dns.example" }, /^PGW_DHCP_DNS: 'dns.example' is not an IPv4 address/],
  [{ PGW_DHCP_SEARCH: "a..b" }, /^PGW_DHCP_SEARCH: 'a..b' is not a host name/],
  [{ PGW_DHCP_MTU: "500" }, /^PGW_DHCP_MTU: '500' is not an MTU: write a number from 576/],
  [{ PGW_DHCP_OPTIONS: "42,ntp" }, /^PGW_DHCP_OPTIONS: in '42,ntp': 'ntp' is not an IPv4 address/],
  [{ PGW_STATE_SYNC: "never" }, /^PGW_STATE_SYNC: 'never' is not one of off, always$/],
];

Deno.test("the shortest lease has its times one after the other", () => {
  const { dhcpLeaseSeconds: leaseSeconds } = gateway({ PGW_DHCP_LEASE_TIME: "3" });
  assert.deepEqual(leaseTimes({ leaseSeconds }), { leaseSeconds: 3, renewalSeconds: 1, rebindingSeconds: 2 });
});

for (const [env, message] of wrong) {
  Deno.test(`refused: ${JSON.stringify(env)}`, () => {
    const [problem, ...more] = problems(() => gateway(env));
    assert.match(problem ?? "accepted", message);
    assert.deepEqual(more, []);
  });
}

const wrongForClient: readonly [Texts, RegExp][] = [
  [{ PGW_CLIENT_PING_INTERVAL: "0" }, /'0' is not a time in seconds: write a number from 0.05 to 3600/],
  [{ PGW_CLIENT_PING_INTERVAL: "1e3" }, /is not a time in seconds/],
  [{ PGW_CLIENT_PING_INTERVAL: "." }, /is not a time in seconds/],
  [{ PGW_CLIENT_PING_MISSES: "0" }, /is not a number of checks/],
  [{ PGW_CLIENT_DNS: "yes" }, /'yes' is not one of auto, require, off/],
  [{ PGW_CLIENT_SERVICE: "172.29.0.1" }, /^SERVICE \(PGW_CLIENT_SERVICE\): '172.29.0.1' is in the VXLAN network/],
];

for (const [env, message] of wrongForClient) {
  Deno.test(`refused for a client: ${JSON.stringify(env)}`, () => {
    const [problem, ...more] = problems(() => client(env));
    assert.match(problem ?? "accepted", message);
    assert.deepEqual(more, []);
  });
}

const pools: readonly [string, string, string][] = [
  ["172.29.0.0/29", "", "172.29.0.2-172.29.0.6"],
  ["172.29.0.0/28", "", "172.29.0.2-172.29.0.14"],
  ["172.29.0.0/27", "", "172.29.0.20-172.29.0.30"],
  ["172.29.0.0/16", "", "172.29.0.20-172.29.255.254"],
  ["172.29.0.0/16", "256-65534", "172.29.1.0-172.29.255.254"],
  ["172.29.0", "172.29.0.9 - 172.29.0.9", "172.29.0.9-172.29.0.9"],
];

for (const [network, pool, expected] of pools) {
  Deno.test(`the pool '${pool}' of ${network} is ${expected}`, () => {
    const { first, last } = gateway({ PGW_VXLAN_IP_NETWORK: network, PGW_DHCP_POOL: pool }).dhcpPool;
    assert.equal(`${formatIpv4(first)}-${formatIpv4(last)}`, expected);
  });
}

Deno.test("a variable that Kubernetes made for a Service is not taken for a setting", () => {
  const env = { PGW_HTTP_PORT: "tcp://10.43.0.7:80", PGW_VXLAN_PORT: "udp://10.43.0.8:4789" };
  const { settings, warnings } = readGatewaySettings({ env, flags: {} });
  assert.deepEqual([settings.httpPort, settings.vxlanPort], [3150, 4789]);
  assert.deepEqual(warnings, []);
});

Deno.test("a variable that is no setting is told, with the one that was meant", () => {
  const env = {
    PGW_LOCAL_CIDR: "10.0.0.0/8",
    PGW_SOMETHING_ELSE_ALTOGETHER: "1",
    PGW_CLIENT_DNS: "off",
    PGW_SERVICE_HOST: "10.43.0.7",
    PGW_PORT: "tcp://10.43.0.7:80",
    PGW_PORT_80_TCP_ADDR: "10.43.0.7",
    PGW_GATEWAY_SERVICE_PORT_HTTP: "80",
    HOME: "/root",
  };
  assert.deepEqual(readGatewaySettings({ env, flags: {} }).warnings, [
    "PGW_LOCAL_CIDR is not a setting, and is ignored: did you mean PGW_LOCAL_CIDRS?",
    "PGW_SOMETHING_ELSE_ALTOGETHER is not a setting, and is ignored",
  ]);
});

Deno.test("commands about a running pgw read its port alone", () => {
  const env = { PGW_HTTP_PORT: "3151", PGW_LOG_LEVEL: "nonsense" };
  assert.equal(readHttpPort({ env, flags: {} }), 3151);
  assert.deepEqual(problems(() => readHttpPort({ env, flags: { "http-port": "x" } })), [
    "--http-port: 'x' is not a port: write a number from 1 to 65535",
  ]);
});

Deno.test("what a list has twice, in whatever form, counts once", () => {
  const settings = gateway({
    PGW_LOCAL_CIDRS: "192.168.0.0/16 10.0.0.1 fd00::/8 192.168.0.0/16 10.0.0.1/32 FD00:0::/8",
    PGW_NODE_ADDRESS: "192.0.2.1,192.0.2.1",
    PGW_DNS_UPSTREAMS: "10.8.0.1 10.8.0.2 10.8.0.1:53",
    PGW_DNS_ROUTES: "lan=10.8.0.1,10.8.0.1 LAN=10.8.0.1:53 corp.example=10.8.0.1",
    PGW_LOG_TRANSPORTS: "console,console",
  });
  assert.deepEqual(settings.localCidrs.map(formatPrefix), ["192.168.0.0/16", "10.0.0.1/32", "fd00::/8"]);
  assert.deepEqual(settings.nodeAddresses?.map(formatPrefix), ["192.0.2.1/32"]);
  assert.deepEqual(settings.dnsUpstreams, ["10.8.0.1", "10.8.0.2"]);
  assert.deepEqual(settings.dnsRoutes, [
    { zone: "lan", servers: ["10.8.0.1"] },
    { zone: "corp.example", servers: ["10.8.0.1"] },
  ]);
  assert.deepEqual(settings.logTransports, ["console"]);
});

Deno.test("PGW_NODE_ADDRESS takes the node's addresses of both families, as Kubernetes tells them", () => {
  const { nodeAddresses } = gateway({ PGW_NODE_ADDRESS: "192.0.2.1 2001:db8::1" });
  assert.deepEqual(nodeAddresses?.map(formatPrefix), ["192.0.2.1/32", "2001:db8::1/128"]);
  assert.match(problems(() => gateway({ PGW_NODE_ADDRESS: "192.0.2.0/24 0.0.0.0" })).join(), /192.0.2.0\/24.*0.0.0.0/);
});

Deno.test("what concerns the VPN needs its name; a client is not left without DNS", () => {
  const forwards = { PGW_VPN_ENDPOINT: "vpn.example", PGW_PORT_FORWARDS: "tcp:80=a", PGW_NAT_FILE: "/nat.conf" };
  assert.deepEqual(problems(() => gateway(forwards)).map((problem) => problem.split(" ")[0]), Object.keys(forwards));
  assert.deepEqual(problems(() => gateway({ ...forwards, PGW_VPN_INTERFACE: "tun0" })), []);
  assert.match(
    problems(() => gateway({ PGW_VPN_INTERFACE: "tun0", PGW_PORT_FORWARDS: "tcp:1=a tcp:1=b" })).join(),
    /twice/,
  );
  assert.match(
    problems(() => client({ PGW_CLIENT_FOREIGN_DNS: "reject", PGW_CLIENT_DNS: "off" })).join(),
    /without any DNS/,
  );
  assert.deepEqual(problems(() => client({ PGW_CLIENT_FOREIGN_DNS: "reject" })), []);
});
