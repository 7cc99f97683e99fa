/** The seed's six variables, its log lines, and what a user needs beside them. */
import assert from "node:assert/strict";
import { names } from "./lab.ts";
import { startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();

labTest("PGW_VXLAN_IP_NETWORK is made on the gateway alone: three octets, or a CIDR", async (lab) => {
  const [client, other] = [lab.client(0), lab.client(1)];
  await startGateway(lab.gateway(0), { PGW_VXLAN_IP_NETWORK: "172.30.7" });
  await startGateway(lab.gateway(1), {
    PGW_VXLAN_IP_NETWORK: "172.20.0.0/16",
    PGW_VXLAN_ID: "77",
    PGW_VXLAN_PORT: "8472",
  });
  const service = (index: 0 | 1) => ["client", "run", `${lab.gateway(index).address.v4}:3150`];
  await Promise.all([untilOpen(startClient(client, {}, service(0))), untilOpen(startClient(other, {}, service(1)))]);
  assert.match((await client.exec(["ip", "-br", "addr", "show", "vxlan3150"])).stdout, / 172\.30\.7\.\d+\/24 /);
  assert.match((await other.exec(["ip", "-br", "addr", "show", "vxlan3150"])).stdout, / 172\.20\.\d+\.\d+\/16 /);
  assert.match((await other.exec(["ip", "-d", "link", "show", "vxlan3150"])).stdout, /vxlan id 77 .*dstport 8472/);
  assert.equal(await client.fetchSourceAddress(), lab.gateway(0).vpnAddress.v4);
  assert.equal(await other.fetchSourceAddress(), lab.gateway(1).vpnAddress.v4);
});

labTest("PGW_LOCAL_CIDRS names what goes around the tunnel", async (lab) => {
  const client = lab.client(0);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const pgw = startClient(client, { PGW_LOCAL_CIDRS: "10.0.0.0/8 203.0.113.80/32 203.0.113.80" });
  await untilOpen(pgw);
  assert.doesNotMatch(pgw.output, /EEXIST/, "what is there twice is no obstacle");
  assert.equal(await client.fetchSourceAddress(), "203.0.113.11");
  assert.equal((await client.resolve("local.example.test"))[0], "203.0.113.80");
});

for (const [level, least] of [["debug", 10], ["info", 20], ["error", 30]] as const) {
  labTest(`PGW_LOG_LEVEL=${level}: JSON lines with timestamp, level and message, none below ${least}`, async (lab) => {
    await lab.setEndpoints([0]);
    await startGateway(lab.gateway(0));
    const pgw = startClient(lab.client(0), { PGW_LOG_LEVEL: level });
    await lab.client(0).waitForSourceAddress(lab.gateway(0).vpnAddress.v4);
    await pgw.stop();
    for (const line of pgw.lines) {
      const { timestamp, level, message } = line.json ?? {};
      assert.ok(typeof timestamp === "number" && Math.abs(timestamp - line.at) < 60_000, line.text);
      assert.ok(typeof level === "number" && level >= least, line.text);
      assert.equal(typeof message, "string", line.text);
    }
    const levels = pgw.logs.map((record) => record.level);
    if (level === "debug") assert.ok(levels.includes(10));
    if (level !== "error") assert.ok(levels.includes(20));
  });
}

labTest("PGW_LOG_TRANSPORTS and PGW_LOG_FILE_PATH: the file, the console, or both", async (lab) => {
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const file = { PGW_LOG_LEVEL: "info", PGW_LOG_TRANSPORTS: "file", PGW_LOG_FILE_PATH: "/run/pgw.log" };
  const both = { ...file, PGW_LOG_TRANSPORTS: "console file" };
  const [silent, loud] = [startClient(lab.client(0), file), startClient(lab.client(1), both)];
  await Promise.all(
    [lab.client(0), lab.client(1)].map((client) => client.waitForSourceAddress(lab.gateway(0).vpnAddress.v4)),
  );
  await Promise.all([silent.stop(), loud.stop()]);
  assert.deepEqual(silent.lines, []);
  assert.notDeepEqual(loud.lines, []);
  for (const client of [lab.client(0), lab.client(1)]) {
    const lines = (await Deno.readTextFile(`${client.runDirectory}/pgw.log`)).trimEnd().split("\n");
    assert.ok(lines.some((line) => String(JSON.parse(line).message).startsWith("open: ")));
  }
});

labTest("a flag wins over its variable", async (lab) => {
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const args = ["client", "run", "--log-level", "error", names.gateway];
  const pgw = startClient(lab.client(0), { PGW_LOG_LEVEL: "debug" }, args);
  await lab.client(0).waitForSourceAddress(lab.gateway(0).vpnAddress.v4);
  assert.deepEqual(pgw.logs.filter(({ level }) => Number(level) < 30), []);
});

labTest("SERVICE is a host name, host:port, an address or a URL", async (lab) => {
  const client = lab.client(0);
  await startGateway(lab.gateway(0));
  await lab.setEndpoints([0]);
  for (const service of ["gateway", `${names.gateways}:3150`, "10.43.0.50", `http://${names.gateway}/`]) {
    const pgw = startClient(client, {}, ["client", "init", service]);
    assert.equal((await pgw.end(20_000)).code, 0, service);
    assert.equal(await client.fetchSourceAddress(), lab.gateway(0).vpnAddress.v4, service);
    await client.restart();
  }
});
