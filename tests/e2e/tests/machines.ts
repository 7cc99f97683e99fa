import assert from "node:assert/strict";
import { CommandError } from "../command.ts";
import { webServer } from "../internet.ts";
import { Machine } from "../machine.ts";
import { eventually } from "../wait.ts";
import type { Test } from "../world.ts";

const ask = ["curl", "-sS", "-m", "2", `http://${webServer}/`];

export const machines: Test = {
  name: "two machines without Kubernetes: the systemd units are verified, hardened, and work",
  async run({ cluster, internet }) {
    const booted = await Promise.all(["gateway", "client"].map((name) => Machine.boot(cluster, internet, name)));
    const [gateway, client] = booted as [Machine, Machine];
    try {
      const exposure = [await examine(gateway, "pgw-gateway.service"), await examine(client, "pgw-client.service")];
      assert.equal((await client.run(...ask)).trim(), client.address, "positive control: seen as itself");
      await gateway.run("systemctl", "start", "pgw-gateway");
      await client.writeFile("/etc/pgw/client.env", `PGW_CLIENT_SERVICE=${gateway.address}:3150\nPGW_LOG_LEVEL=info\n`);
      await client.run("systemctl", "start", "pgw-client");
      await eventually("the client is seen as the gateway", 20_000, async () => {
        assert.equal((await client.run(...ask)).trim(), gateway.address);
      });
      await client.run("systemctl", "stop", "pgw-client");
      await assert.rejects(client.run(...ask), CommandError, "a client that has stopped stays closed");
      return `exposure by systemd-analyze: gateway ${exposure[0]}, client ${exposure[1]}`;
    } catch (cause) {
      const logs = await Promise.all(booted.map((machine) => machine.run("journalctl", "-u", "pgw-*", "--no-pager")));
      throw new Error(`${cause instanceof Error ? cause.message : cause}\n${logs.join("\n")}`, { cause });
    } finally {
      await Promise.all(booted.map((machine) => machine.remove()));
    }
  },
};

/** How exposed the unit is, of 10; a service without any hardening has 9.6. */
async function examine(machine: Machine, unit: string): Promise<string> {
  const verify = await machine.run("sh", "-c", `systemd-analyze verify ${unit} 2>&1`);
  assert.equal(verify, "", "systemd-analyze verify");
  const text = await machine.run("systemd-analyze", "security", "--offline=true", "--threshold=30", unit);
  return /exposure level for .*: ([\d.]+)/.exec(text)![1]!;
}
