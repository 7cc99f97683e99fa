import assert from "node:assert/strict";
import { clientMac } from "../../../mod/addr/mac.ts";
import { DhcpLog } from "../../../mod/runtime/dhcp_log.ts";
import { closeLogging, setUpLogging } from "../../../mod/runtime/log.ts";

Deno.test("dhcp log: a full pool is told once a minute, with what to do; a lease each time", async () => {
  const logFilePath = await Deno.makeTempFile();
  await setUpLogging({ logLevel: "info", logTransports: ["file"], logFilePath, logFormat: "json" });
  try {
    const log = new DhcpLog();
    const counts = () => ({ free: 0, offered: 1, bound: 3, expired: 0, released: 0, declined: 1 });
    const full = { kind: "dropped", reason: "pool exhausted" } as const;
    for (const at of [0, 1_000, 59_999, 60_000]) log.tell(full, { counts }, at);
    const client = { key: "h", chaddr: clientMac(1) };
    for (const kind of ["leased", "renewed", "leased"] as const) {
      log.tell({ kind, address: 0xac1d0014, client }, { counts }, 0);
    }
    const messages = (await Deno.readTextFile(logFilePath)).split("\n").filter(Boolean).map((line) =>
      JSON.parse(line).message
    );
    const told = "a client gets no address: 3 are leased, 1 offered and 1 used by others, which is all; " +
      "widen PGW_DHCP_POOL or PGW_VXLAN_IP_NETWORK, or shorten PGW_DHCP_LEASE_TIME";
    const leased = "172.29.0.20 leased: 02:78:00:00:00:01";
    assert.deepEqual(messages, [told, told, leased, leased]);
  } finally {
    await closeLogging();
    await Deno.remove(logFilePath);
  }
});
