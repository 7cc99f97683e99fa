/** The forwarder between real clients (dig, glibc, busybox) and real servers (unbound, dnsmasq). */
import assert from "node:assert/strict";
import { parsePrefix, type Prefix4 } from "../../mod/addr/prefix.ts";
// The C library is opened here, not in the first test.
import "../../mod/linux/question_sockets.ts";
import { type DnsServer, startDnsServer } from "../../mod/runtime/dns_server.ts";
import { isInside } from "../lab/enter.ts";
import { Process } from "../lab/process.ts";
import { toolPath } from "../lab/tools.ts";

/** Ours, the outside's server, the cluster's. The lab's own loopback: nobody else is there. */
const ours = "127.0.3.1";
const outside = "127.0.3.2";
const cluster = "127.0.3.3";

const zone = `
$ORIGIN example.com.
$TTL 300
@       SOA   ns host 1 3600 600 86400 60
@       NS    ns
@       MX    10 mail
@       TXT   "v=spf1 -all" "second string"
@       CAA   0 issue "ca.example.net"
@       HTTPS 1 . alpn="h2" ipv4hint=203.0.113.80
ns      A     203.0.113.53
www     A     203.0.113.80
www     A     203.0.113.81
www     AAAA  2001:db8::80
www     RRSIG A 13 3 300 20380101000000 20200101000000 1 example.com. ${"A".repeat(84)}AA==
mail    A     203.0.113.25
one     CNAME two
two     CNAME three
three   CNAME www
lost    CNAME nowhere.example.com.
*.wild  A     203.0.113.99
_sip._udp SRV 1 2 5060 mail
host    SSHFP 4 2 ${"ab".repeat(32)}
_443._tcp TLSA 3 1 1 ${"cd".repeat(32)}
naptr   NAPTR 1 1 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .
sub     DNAME example.com.
odd\\.label A   203.0.113.7
private A     10.1.2.3
${Array.from({ length: 20 }, (_, index) => `long TXT "${String(index).padEnd(120, "x")}"`).join("\n")}
${Array.from({ length: 230 }, (_, index) => `huge TXT "${String(index).padEnd(250, "x")}"`).join("\n")}
`;

const unboundConfig = (directory: string) => `
server:
  interface: ${outside}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  max-udp-size: 4096
remote-control:
  control-enable: no
auth-zone:
  name: "example.com"
  zonefile: "${directory}/zone"
  for-downstream: yes
  for-upstream: no
`;

const dnsmasqArguments = [
  "--keep-in-foreground",
  "--user=root", // a user namespace has no other, and its groups cannot be changed
  "--group=",
  "--conf-file=/dev/null",
  "--pid-file=",
  "--no-resolv",
  "--no-hosts",
  "--bind-interfaces",
  `--listen-address=${cluster}`,
  "--local=/cluster.local/",
  "--host-record=web.default.svc.cluster.local,10.43.0.5",
  "--ptr-record=5.0.43.10.in-addr.arpa,web.default.svc.cluster.local",
  "--auth-ttl=30",
];

class World implements AsyncDisposable {
  private constructor(readonly server: DnsServer, readonly directory: string, readonly peers: Process[]) {}

  static async create(): Promise<World> {
    assert.ok(isInside(), "run me by tests/lab/enter.ts: there is a real loopback outside");
    const directory = await Deno.makeTempDir();
    await Deno.writeTextFile(`${directory}/zone`, zone);
    await Deno.writeTextFile(`${directory}/unbound.conf`, unboundConfig(directory));
    const peers = [
      spawn(["unbound", "-d", "-c", `${directory}/unbound.conf`]),
      spawn(["dnsmasq", ...dnsmasqArguments]),
    ];
    const server = await startDnsServer({
      listen: { address: ours, port: 53 },
      allow: parsePrefix("127.0.0.0/8") as Prefix4,
      clusterZones: ["cluster.local", "10.in-addr.arpa"],
      clusterServers: [cluster],
      outsideServers: [outside],
      cacheBytes: 4 << 20,
      rebinding: { networks: [parsePrefix("10.0.0.0/8")], except: [] },
    });
    const world = new World(server, directory, peers);
    await world.#waitFor(outside, "www.example.com");
    await world.#waitFor(cluster, "web.default.svc.cluster.local");
    return world;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await Promise.all(this.peers.map((peer) => peer.stop("SIGKILL")));
    await Deno.remove(this.directory, { recursive: true });
  }

  async #waitFor(server: string, name: string): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt++) {
      if ((await run(["dig", `@${server}`, "+time=1", "+tries=1", "+short", name])).includes("\n")) return;
    }
    assert.fail(`${server} does not answer:\n${this.peers.map((peer) => peer.output).join("\n")}`);
  }
}

function spawn(command: readonly [string, ...string[]]): Process {
  const [program, ...args] = command;
  const options = { args, stdin: "null", stdout: "piped", stderr: "piped", env: { PATH: toolPath } } as const;
  return new Process(program, new Deno.Command(program, options).spawn());
}

async function run(command: readonly [string, ...string[]]): Promise<string> {
  const process = spawn(command);
  await process.ended;
  return process.output;
}

/** What `dig` shows of an answer that does not depend on whom it asked: status, records without TTL in any order. */
async function dig(server: string, ...args: string[]): Promise<{ status: string; records: string[]; flags: string }> {
  const output = await run(["dig", `@${server}`, "+noall", "+comments", "+answer", "+time=3", "+tries=1", ...args]);
  const records = output.split("\n").filter((line) => /^[^;\s]/.test(line))
    .map((line) => line.replace(/\s+\d+\s+IN\s+/, " IN ").replace(/\s+/g, " ").toLowerCase()).sort();
  return {
    status: /status: (\w+)/.exec(output)?.[1] ?? output,
    flags: /flags: ([^;]*);/.exec(output)?.[1] ?? "",
    records,
  };
}

Deno.test("dig sees through the forwarder what it sees directly", async (t) => {
  await using _world = await World.create();
  const questions = [
    ["www.example.com", "A"],
    ["www.example.com", "AAAA"],
    ["WWW.Example.COM", "A"],
    ["example.com", "MX"],
    ["example.com", "TXT"],
    ["example.com", "SOA"],
    ["example.com", "NS"],
    ["example.com", "CAA"],
    ["example.com", "HTTPS"],
    ["_sip._udp.example.com", "SRV"],
    ["host.example.com", "SSHFP"],
    ["_443._tcp.example.com", "TLSA"],
    ["naptr.example.com", "NAPTR"],
    ["one.example.com", "A"],
    ["one.example.com", "CNAME"],
    ["lost.example.com", "A"],
    ["anything.wild.example.com", "A"],
    ["www.sub.example.com", "A"],
    ["odd\\.label.example.com", "A"],
    ["nowhere.example.com", "A"],
    ["www.example.com", "MX"],
    ["long.example.com", "TXT"],
    ["huge.example.com", "TXT"],
    ["www.example.com", "TYPE65400"],
  ];
  for (const question of questions) {
    for (const options of [[], ["+tcp"], ["+dnssec"], ["+noedns"], ["+bufsize=512"], ["+cd", "+ad"]]) {
      await t.step([...question, ...options].join(" "), async () => {
        const direct = await dig(outside, ...question, ...options);
        assert.match(direct.status, /NOERROR|NXDOMAIN/);
        for (const how of ["asked", "cached"]) {
          const through = await dig(ours, ...question, ...options);
          assert.deepEqual([through.status, through.records], [direct.status, direct.records], how);
          assert.match(through.flags, /^qr( tc)? rd ra( cd)?$/);
        }
      });
    }
  }
});

Deno.test("DNSSEC records come along with DO and not without", async () => {
  await using _world = await World.create();
  const [withDo, without] = [await dig(ours, "www.example.com", "+dnssec"), await dig(ours, "www.example.com")];
  assert.ok(withDo.records.some((record) => record.includes(" rrsig ")));
  assert.ok(!without.records.some((record) => record.includes(" rrsig ")));
});

Deno.test("TC: a client that does not retry gets an empty answer with the bit", async () => {
  await using _world = await World.create();
  const { flags, records } = await dig(ours, "huge.example.com", "TXT", "+ignore");
  assert.match(flags, /\btc\b/);
  assert.deepEqual(records, []);
});

Deno.test("cluster names, reverse names, expansions", async () => {
  await using world = await World.create();
  assert.deepEqual((await dig(ours, "web.default.svc.cluster.local")).records, [
    "web.default.svc.cluster.local. in a 10.43.0.5",
  ]);
  assert.deepEqual((await dig(ours, "-x", "10.43.0.5")).records, [
    "5.0.43.10.in-addr.arpa. in ptr web.default.svc.cluster.local.",
  ]);
  assert.equal((await dig(ours, "www.example.com.svc.cluster.local")).status, "NXDOMAIN");
  const asked = world.server.stats().upstreams.filter(({ route }) => route === "outside");
  assert.deepEqual(asked.map(({ asked }) => asked), [0]);
});

Deno.test("an outside name with a cluster's address is blocked", async () => {
  await using _world = await World.create();
  assert.deepEqual((await dig(outside, "private.example.com")).records, ["private.example.com. in a 10.1.2.3"]);
  const { status, records } = await dig(ours, "private.example.com");
  assert.deepEqual([status, records], ["NOERROR", []]);
});

Deno.test("glibc resolves with a Pod's search list", async () => {
  await using world = await World.create();
  const path = `${world.directory}/resolv.conf`;
  await Deno.writeTextFile(
    path,
    `nameserver ${ours}\nsearch default.svc.cluster.local cluster.local\noptions ndots:5\n`,
  );
  const resolve = (name: string) =>
    run(["unshare", "--mount", "sh", "-c", `mount --bind ${path} /etc/resolv.conf && getent ahosts ${name}`]);
  assert.match(await resolve("www.example.com"), /203\.0\.113\.80[^]*2001:db8::80|2001:db8::80[^]*203\.0\.113\.80/);
  assert.match(await resolve("web"), /10\.43\.0\.5/);
  assert.equal(await resolve("nowhere.example.com"), "");
});

Deno.test("a server that ends and comes back", async () => {
  await using world = await World.create();
  const [unbound] = world.peers;
  await unbound!.stop("SIGKILL");
  const startedAt = performance.now();
  assert.equal((await dig(ours, "fresh.wild.example.com")).status, "SERVFAIL");
  assert.ok(performance.now() - startedAt < 2000);
  world.peers[0] = spawn(["unbound", "-d", "-c", `${world.directory}/unbound.conf`]);
  let status = "";
  for (let attempt = 0; attempt < 100 && status !== "NOERROR"; attempt++) {
    ({ status } = await dig(ours, `n${attempt}.wild.example.com`));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(status, "NOERROR");
});
