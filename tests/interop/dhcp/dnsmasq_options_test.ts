/** What PGW_DHCP_OPTIONS makes of a text is what dnsmasq sends for it, byte by byte; and it has dnsmasq's names. */
import assert from "node:assert/strict";
import { dhcpOptions } from "../../../mod/config/dhcp_options.ts";
import { ValueError } from "../../../mod/config/value_error.ts";
import { decodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { labTests } from "../../lab/test.ts";
import { device } from "./dialogue.ts";
import { connect, withPods } from "./pods.ts";

const labTest = labTests();
const dnsmasq = [
  ..."dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --group= --port=0".split(" "),
  ...`--log-facility=- --no-ping --dhcp-leasefile=/run/dhcp.leases --interface=${device} --bind-interfaces`.split(" "),
  ..."--dhcp-no-override --dhcp-range=172.29.0.20,172.29.0.99".split(" "),
];

/** In turns: what is captured of a message has room for some hundred bytes of options, each of them once. */
const turns = [
  "2,-3600; option:router,172.29.0.2; option:log-server,10.0.0.1, 10.0.0.2; 12,10.0.0.1; 15,lan.example; 19,1; 46,8",
  "option:policy-filter,10.0.0.0,255.0.0.0; option:MTU,1300; 28,172.29.0.255; 33,10.0.0.1,10.0.0.2; 35,60; 108,300",
  "43,text; 47,10.0.0.1; 60,PXEClient; 66,10.0.0.1; 67,/a b, c.efi; option:client-arch,7; 94,01:02:03; 97,7i",
  "43,1:4:a; 47,scope; 60,01:ff; option:user-class,7b; 100,CET-1; 119,a.b,c; 120,10.0.0.1,10.0.0.2; 125,00:00:00:09",
  "121,10.0.0.0/8,172.29.0.1,0.0.0.0/0,0.0.0.0; 150,10.0.0.1; 249,192.168.7.0/25,172.29.0.1; 252,http://x/",
  "option:sip-server,1sip.example; 121,08:0a:ac:1d:00:01; 249,08:0a:ac:1d:00:01; 224,10.0.0.1,10.0.0.2; 225,/1/2",
  "226,some text, more; 227,-1s; 228,70000i; 229,a:b; 230,0A:fF; 231,7s; 232,a=b; 233,1.2.3.4.example",
].map((turn) => turn.split("; "));

/** Names of a boot server and file: dnsmasq alone puts a NUL behind them, which RFC 2132 section 2 advises against. */
const nulTerminated = new Set([66, 67]);

labTest("dnsmasq sends the same bytes for the same text", async (lab) => {
  for (const texts of turns) {
    const ours = dhcpOptions(texts.join(";"));
    await withPods(lab, ["server", "client"], async ({ server, client }) => {
      await connect(server, client.address.v4);
      await connect(client, server.address.v4);
      await server.ip(`addr add 172.29.0.1/24 dev ${device}`);
      await server.spawn([...dnsmasq, ...texts.map((text) => `--dhcp-option-force=${text}`)]).waitFor(/IP range/);
      using answers = client.capture(device, ({ sourcePort, direction }) => sourcePort === 67 && direction === "in");
      client.spawn(["udhcpc", "-f", "-i", device, "-s", "/bin/true"]);
      const { payload } = await answers.waitFor(() => true);
      const { options } = decodeDhcp(payload);
      for (const [code, bytes] of ours) {
        const theirs = options.get(code);
        assert.deepEqual(bytes, nulTerminated.has(code) ? theirs?.subarray(0, -1) : theirs, `option ${code}`);
      }
    });
  }
});

labTest("dnsmasq's names are known", async (lab) => {
  const { stdout } = await lab.stranger.exec(["dnsmasq", "--help", "dhcp"]);
  const names = [...stdout.matchAll(/^ *(\d+) (\S+)$/gm)].map(([, code, name]) => ({ code: Number(code), name }));
  assert(names.length > 50, stdout);
  for (const { code, name } of names) {
    let said: string;
    try {
      said = `option ${[...dhcpOptions(`option:${name}`).keys()]}`;
    } catch (error) {
      assert(error instanceof ValueError);
      said = error.message;
    }
    // Known and refused are DHCP's own, and what is no option.
    assert.match(
      said,
      code === 255 ? /'option:server-ip-address' is not an option that there is/ : RegExp(`option ${code}\\b`),
    );
  }
});
