/** Ports of the VPN's address lead to clients, by name and by address, and follow them. */
import assert from "node:assert/strict";
import { type Lab, names } from "./lab.ts";
import type { Pod } from "./pod.ts";
import type { Process } from "./process.ts";
import { pgwCommand, pgwEnv, scriptCommand } from "./program.ts";
import { eventually, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, vpnAddress } from "./topology.ts";

const labTest = labTests();
const vpn = { PGW_VPN_INTERFACE: "vpn0" };

labTest("a forward leads to the Pod of a name, by tcp and udp, and follows it to another address", async (lab) => {
  const [one, other] = [lab.client(0), lab.client(1)];
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0), { ...vpn, PGW_PORT_FORWARDS: "tcp:18289=media:8080 udp:7=media" });
  const first = await serve(one, "media-0");
  assert.equal(await ask(lab, 18289), internet.web.v4, "the server sees who asked");
  assert.equal(await echo(lab, 7), "echo");
  assert.equal(await ask(lab, 8080), undefined, "no other port is open");
  await first.stop();
  // A new Pod of the same StatefulSet, on another node, gets another address.
  await serve(other, "media-1");
  assert.equal(await eventually("the forward follows", () => ask(lab, 18289)), internet.web.v4);
  assert.equal(await echo(lab, 7), "echo");
});

labTest("nat.conf of angelnu/pod-gateway is read as it is", async (lab) => {
  const gateway = lab.gateway(0);
  await lab.setEndpoints([0]);
  Deno.writeTextFileSync(`${gateway.runDirectory}/nat.conf`, "# hostname IP ports\nmedia 10 tcp:8080,udp:7\n");
  await startGateway(gateway, { ...vpn, PGW_NAT_FILE: "/run/nat.conf" });
  await serve(lab.client(0), "media-6d5f4c7b9-x2x7z");
  assert.equal(await ask(lab, 8080), internet.web.v4);
  assert.equal(await echo(lab, 7), "echo");
});

labTest("what comes in by the tunnel is answered by the tunnel, even to PGW_LOCAL_CIDRS", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway, { ...vpn, PGW_PORT_FORWARDS: "tcp:8080=media" });
  await serve(client, "media-0");
  // Another site behind the same VPN, whose addresses are local to the client.
  await lab.internet.ip("addr replace 10.8.0.5/32 dev lo");
  await gateway.ip("route add 10.8.0.0/24 dev vpn0");
  using around = client.captureUplink(({ destination }) => destination === "10.8.0.5");
  assert.equal(await ask(lab, 8080, "10.8.0.5"), "10.8.0.5");
  around.assertNone();
});

labTest(
  "a PGW_NAT_FILE that is wrong or missing ends the gateway with code 2 before anything is changed",
  async (lab) => {
    const gateway = lab.gateway(0);
    Deno.writeTextFileSync(`${gateway.runDirectory}/nat.conf`, "media 10 sctp:1\nmedia 10\n");
    for (
      const [path, problem] of [["/run/nat.conf", /line 1: 'sctp:1'.*\n.*line 2: /], [
        "/nowhere",
        /cannot be read/,
      ]] as const
    ) {
      const { code } = await gateway.pgw(["gateway", "run"], { env: { ...vpn, PGW_NAT_FILE: path } }).end(20_000);
      assert.equal(code, 2);
      assert.match(gateway.processes.at(-1)!.output, problem);
    }
    assert.doesNotMatch((await gateway.exec(["iptables", "-S"])).stdout, /PGW/);
  },
);

/** A client Pod of that name, with a web server on port 8080 and a UDP echo on 7. */
async function serve(pod: Pod, hostName: string): Promise<Process> {
  await pod.spawn(scriptCommand("web_main.ts", "8080", "0.0.0.0")).waitFor(/^ready$/);
  const renamed = ["unshare", "--uts", "sh", "-c", `hostname ${hostName} && exec "$@"`, "sh"];
  const env = { ...pgwEnv(), PGW_LOG_LEVEL: "debug", PGW_STATE_DIR: "/run/pgw", PGW_CLIENT_PING_INTERVAL: "0.3" };
  const pgw = pod.spawn([...renamed, ...pgwCommand(), "client", "run", names.gateway], { env });
  await untilOpen(pgw);
  return pgw;
}

/** The source address that the web server behind `port` of the VPN's address saw, asked from the internet. */
async function ask(lab: Lab, port: number, from: string = internet.web.v4): Promise<string | undefined> {
  const url = `http://${vpnAddress(0).v4}:${port}/`;
  const curl = ["curl", "-gsSf", "--max-time", "2", "--interface", from, url];
  const { code, stdout } = await lab.internet.exec(curl, { check: false });
  return code === 0 ? stdout.trim() : undefined;
}

async function echo(lab: Lab, port: number): Promise<string> {
  const script = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "${internet.web.v4}", port: 0 });
    const to = { transport: "udp", hostname: "${vpnAddress(0).v4}", port: ${port} };
    const timer = setTimeout(() => Deno.exit(1), 3000);
    await socket.send(new TextEncoder().encode("echo"), to);
    console.log(new TextDecoder().decode((await socket.receive())[0]));
    clearTimeout(timer); socket.close();`;
  const { stdout } = await lab.internet.exec([Deno.execPath(), "eval", "--unstable-net", script], { check: false });
  return stdout.trim();
}
