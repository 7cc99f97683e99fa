/** `pgw status` from inside the Pods, for people and for machines. */
import assert from "node:assert/strict";
import type { Pod } from "./pod.ts";
import type { Process } from "./process.ts";
import { printed, says, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();

/** All of these stand in `text`, in this order. */
function assertTells(text: string, ...patterns: RegExp[]): void {
  let rest = text;
  for (const pattern of patterns) {
    const found = pattern.exec(rest);
    assert.ok(found, `${pattern} is not there, or in another order:\n${text}`);
    rest = rest.slice(found.index + found[0].length);
  }
}

labTest("status tells what both roles do, since when, and what happened", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const serving = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0", PGW_DHCP_MTU: "1300" });
  const pgw = startClient(client);
  await untilOpen(pgw);
  await client.waitForSourceAddress(gateway.vpnAddress.v4);

  assertTells(
    await printed(client, "status"),
    /^role +client$/m,
    /^state +open$/m,
    /^since +\d+ (ms|s) ago$/m,
    /^ready +yes$/m,
    /^gateway:\n +address +10\.42\.0\.21$/m,
    /vxlan +id 3150, UDP port 4789, MTU 1300$/m,
    /^lease:\n +address +172\.29\.0\.\d+\/24\n +renews +in [\d hmins]+\n +expires +in [\d hmins]+\n +dns +172\.29\.0\.1$/m,
    /^tunnel:\n +direction +packets +bytes +dropped\n +receive +\d/m,
    /^transitions:\n +at +to +cause\n/m,
    /closing/,
    /connecting +gateway found: 10\.42\.0\.21/,
    /open/,
  );
  assertTells(
    await printed(gateway, "status"),
    /^role +gateway$/m,
    /^state +ready$/m,
    /^ready +yes$/m,
    /^vpn +vpn0 is up$/m,
    /^leases:\n(?: +\w+ +\d+\n)* +bound +1$/m,
    /^dns:\n +queries +\d+$/m,
    /upstreams/,
    /^transitions:\n[^]* ready +serving$/m,
  );

  const told = JSON.parse(await printed(client, "status", "--json"));
  assert.deepEqual([told.role, told.state, told.gateway.address], ["client", "open", gateway.address.v4]);
  assert.ok(told.lease.expiresAt > Date.now());

  const lines = pgw.lines.length;
  await serving.stop("SIGKILL");
  await gateway.setCable("down");
  await untilClosed(pgw, lines);
  assertTells(
    await printed(client, "status"),
    /^state +discovering$/m,
    /^ready +no$/m,
    /closed: the gateway 10\.42\.0\.21 answers no longer/,
  );
});

/** Each transition that status tells has one line of the log, with its cause. */
async function assertEachIsLoggedOnce(pod: Pod, process: Process): Promise<void> {
  const { transitions } = JSON.parse(await printed(pod, "status", "--json")) as {
    transitions: { to: string; cause?: string }[];
  };
  const messages = process.lines.map(({ json }) => json?.message);
  const texts = transitions.map(({ to, cause }) => messages.includes(cause) ? cause : `${to}: ${cause}`);
  for (const text of new Set(texts)) {
    const count = (of: readonly unknown[]) => of.filter((other) => other === text).length;
    assert.equal(count(messages), count(texts), `'${text}' of\n${texts.join("\n")}`);
  }
  assert.ok(texts.length >= 3 && process.lines.every(({ json }) => Number(json?.timestamp) > 0), process.output);
}

labTest("each transition is one line of the log, with its time and its cause", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const serving = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  const pgw = startClient(client);
  await untilOpen(pgw);
  await assertEachIsLoggedOnce(client, pgw);
  await gateway.disconnectVpn();
  await untilClosed(pgw);
  await gateway.connectVpn();
  await untilOpen(pgw, pgw.lines.findIndex(({ json }) => json !== undefined && says("closed: ")(json)));
  await assertEachIsLoggedOnce(gateway, serving);
});

labTest("status --watch asks again each second, also while nobody answers", async (lab) => {
  const client = lab.client(0);
  const watching = client.pgw(["status", "--watch"]);
  await watching.waitFor(/^nothing listens/);
  startClient(client);
  await watching.waitFor(/^role +client$/, { timeoutMs: 30_000 });
  await watching.waitFor(/^role +client$/, { timeoutMs: 30_000, from: watching.lines.length });
  await watching.stop("SIGINT");
});
