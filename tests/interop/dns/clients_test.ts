/** Resolver libraries and validators as a client Pod's applications use them. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { extracted } from "../../lab/extracted.ts";
import { type Lab, names } from "../../lab/lab.ts";
import type { Pod } from "../../lab/pod.ts";
import { scriptCommand } from "../../lab/program.ts";
import { eventually, startClient, startGateway, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { serviceAddress } from "../../lab/topology.ts";
import { gatewaySettings, startServers, stopOutside, zones } from "./servers.ts";

const labTest = labTests();
const gatewayAddress = "172.29.0.1";
const twoAddresses = ["203.0.113.80", "203.0.113.81"];

async function open(lab: Lab): Promise<{ readonly client: Pod; readonly keys: string }> {
  const keys = await startServers(lab);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0), gatewaySettings);
  await untilOpen(startClient(lab.client(0)));
  return { client: lab.client(0), keys };
}

/** The IPv4 addresses, each once and in order, in what a command prints after its nameserver's. */
async function addressesBy(pod: Pod, command: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await pod.exec(command, { check: false });
  const found = stdout.match(/\b\d+\.\d+\.\d+\.\d+\b/g) ?? [];
  return [...new Set(found)].filter((address) => address !== gatewayAddress).sort();
}

/** Links a C program statically with musl, for a Pod to run. */
async function compiledWithMusl(pod: Pod): Promise<string> {
  const program = "/run/getaddrinfo";
  const file = (name: string) => extracted("musl-dev", name);
  const headers = file("/netdb.h").replace(/\/netdb\.h$/, "");
  const source = fileURLToPath(new URL("getaddrinfo.c", import.meta.url));
  const parts = [file("/crt1.o"), file("/crti.o"), source, file("/libc.a"), file("/crtn.o")];
  await pod.exec(["tcc", "-nostdinc", `-I${headers}`, "-nostdlib", "-static", "-o", program, ...parts]);
  return program;
}

labTest("glibc, musl, busybox and c-ares resolve with a Pod's search list", async (lab) => {
  const { client } = await open(lab);
  const musl = await compiledWithMusl(client);
  const libraries: Readonly<Record<string, (name: string) => readonly string[]>> = {
    glibc: (name) => ["getent", "ahostsv4", name],
    musl: (name) => [musl, name],
    busybox: (name) => ["busybox", "nslookup", name],
    "c-ares": (name) => scriptCommand("../interop/dns/cares_main.ts", name),
  };
  for (const [library, command] of Object.entries(libraries)) {
    for (const { origin } of Object.values(zones)) {
      for (const name of ["www", "one"]) {
        const found = await addressesBy(client, command(`${name}.${origin.slice(0, -1)}`));
        assert.deepEqual(found, twoAddresses, `${library}: ${name}.${origin}`);
      }
    }
    assert.deepEqual(await addressesBy(client, command("nowhere.u.test")), [], library);
    // A name of the cluster in short, by the search list that the kubelet wrote. (busybox looks for whole names.)
    const short = library === "busybox" ? names.web : "web";
    assert.deepEqual(await addressesBy(client, command(short)), [serviceAddress.web], library);
  }
});

labTest("delv validates what comes through a gateway, and notices a wrong key", async (lab) => {
  const { client, keys } = await open(lab);
  const delv = async (origin: string, name: string, type: string, key: string) => {
    const [zone, , flags, protocol, algorithm, ...base64] = key.split(/\s+/);
    const anchor = `"${zone}" static-key ${flags} ${protocol} ${algorithm} "${base64.join("")}";`;
    await Deno.writeTextFile(`${client.runDirectory}/anchors`, `trust-anchors { ${anchor} };\n`);
    const options = [`@${gatewayAddress}`, "-a", "/run/anchors", `+root=${origin}`, "+nocrypto"];
    const { stdout, stderr } = await client.exec(["delv", ...options, name, type], { check: false });
    return stdout + stderr;
  };
  for (const key of keys.split("\n")) {
    const origin = key.split(" ")[0]!;
    assert.match(await delv(origin, `www.${origin}`, "A", key), /; fully validated/);
    assert.match(await delv(origin, `a.wild.${origin}`, "A", key), /; fully validated/);
    assert.match(await delv(origin, `huge.${origin}`, "TXT", key), /; fully validated/);
    assert.match(await delv(origin, `nowhere.${origin}`, "A", key), /negative response, fully validated/);
    assert.match(await delv(origin, `www.${origin}`, "MX", key), /negative response, fully validated/);
    const wrong = key.replace(/.{12}$/, "AAAAAAAAAA==");
    assert.doesNotMatch(await delv(origin, `www.${origin}`, "A", wrong), /fully validated/);
  }
});

labTest("an outside name with a cluster's address is blocked; by a route that the user made it is not", async (lab) => {
  const { client } = await open(lab);
  const dig = async (name: string) => (await client.exec(["dig", `@${gatewayAddress}`, name])).stdout;
  assert.match(await dig("private.u.test"), /ANSWER: 0[^]*EDE: 15 \(Blocked\)/);
  assert.match(await dig("private.d.test"), /10\.1\.2\.3/);
});

labTest("the outside's server ends and comes back: SERVFAIL with the reason, and then answers", async (lab) => {
  const { client } = await open(lab);
  const dig = async (name: string) =>
    (await client.exec(["dig", `@${gatewayAddress}`, "+tries=1", "+time=5", name], { check: false })).stdout;
  assert.match(await dig("before.wild.u.test"), /status: NOERROR/);
  const startAgain = await stopOutside(lab);
  assert.match(await dig("meanwhile.wild.u.test"), /status: SERVFAIL[^]*EDE: 2[23] /);
  assert.match(await dig("before.wild.u.test"), /status: NOERROR/);
  assert.match(await dig("meanwhile.wild.d.test"), /status: NOERROR/);
  await startAgain();
  await eventually("asked again", async () => (await dig("after.wild.u.test")).includes("status: NOERROR"));
});

labTest("systemd-resolved asks through a gateway", async (lab) => {
  const { client } = await open(lab);
  // It wants to be a user of its own, which nobody made: it was not installed.
  const passwd = "(echo systemd-resolve:x:0:0::/: && cat /etc/passwd) >/run/passwd";
  await client.exec(["sh", "-ec", `${passwd} && mount --bind /run/passwd /etc/passwd && mkdir -p /run/systemd`]);
  client.spawn([extracted("systemd-resolved", "/systemd-resolved")]);
  const ask = async (name: string, type: string) =>
    (await client.exec(["dig", "@127.0.0.53", "+tries=1", "+time=3", name, type], { check: false })).stdout;
  await eventually("systemd-resolved answers", async () => (await ask("www.u.test", "A")).includes("status: NOERROR"));
  for (const { origin } of Object.values(zones)) {
    const answer = await ask(`www.${origin}`, "A");
    for (const address of twoAddresses) assert.ok(answer.includes(address), answer);
    assert.match(await ask(`nowhere.${origin}`, "A"), /NXDOMAIN/);
    assert.match(await ask(`huge.${origin}`, "TXT"), /status: NOERROR/);
  }
  assert.ok((await ask(names.web, "A")).includes(serviceAddress.web));
});
