import assert from "node:assert/strict";
import { kernelTest, podNetwork, sh } from "./namespace.ts";

const linux = new URL("../../mod/linux/", import.meta.url).href;

/** What the error of `code` says in a process without `capabilities`, where it may use what `mod/linux/` exports. */
async function refusal(capabilities: string, imports: string, code: string): Promise<string> {
  const [names, file] = imports.split(" from ");
  const script = `import { ${names} } from "${linux}${file}";
    import { CommandRunner } from "${linux}runner.ts";
    import { Netlink } from "${linux}netlink.ts";
    const runner = new CommandRunner();
    try { await (${code}); console.log("nothing"); } catch (error) { console.log(error.name + ": " + error.message); }`;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, script);
    const drop = capabilities.split(",").map((name) => `-${name}`).join(",");
    return await sh(`setpriv --bounding-set ${drop} ${Deno.execPath()} run --no-check -A ${path}`);
  } finally {
    await Deno.remove(path);
  }
}

const closed = `{ chains: [{ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules: ["-j REJECT"] }] }`;

kernelTest("without NET_ADMIN each way to the kernel names it", async () => {
  await podNetwork();
  const cases = [
    ["applyFirewall from firewall.ts", `applyFirewall(runner, { v4: ${closed}, v6: ${closed} })`],
    ["UdpSocket from udp_socket.ts", `UdpSocket.open({ mark: 1 })`],
    [
      "setInterfaceSettings from interface_settings.ts",
      `setInterfaceSettings(new Netlink(), { device: "eth0", rpFilter: "off" })`,
    ],
  ] as const;
  for (const [imports, code] of cases) {
    const said = await refusal("net_admin,net_raw", imports, code);
    assert.match(said, /^MissingCapabilityError: NET_ADMIN is missing/, code);
  }
});

kernelTest("without NET_RAW a packet socket names it, and all else works", async () => {
  await podNetwork();
  assert.match(
    await refusal("net_raw", "PacketSocket from packet_socket.ts", `PacketSocket.open("eth0")`),
    /^MissingCapabilityError: NET_RAW is missing/,
  );
  for (
    const [imports, code] of [
      ["applyFirewall from firewall.ts", `applyFirewall(runner, { v4: ${closed}, v6: ${closed} })`],
      ["UdpSocket from udp_socket.ts", `UdpSocket.open({ mark: 1, device: "eth0", broadcast: true }).close()`],
    ] as const
  ) {
    assert.equal(await refusal("net_raw", imports, code), "nothing\n");
  }
});
