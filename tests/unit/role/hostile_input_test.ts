/** What strangers send (HTTP, DHCP, DNS) gets into the firewall as addresses and numbers, or not at all. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { PgwError } from "../../../mod/errors.ts";
import { clientNetState, type ClientPhase } from "../../../mod/netstate/client.ts";
import { linkTo } from "../../../mod/role/client_link.ts";
import { type GatewayInfo, parseGatewayInfo } from "../../../mod/role/gateway_info.ts";
import { config } from "../../scenario/client_dialogue.ts";
import { uplink } from "../netstate/fixtures.ts";

/** What a shell, iptables-restore or the kernel could take for something else. */
const hostile = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."-j ACCEPT;$()`'\"\\\n\t\0/%+*A0.:".split("")) }),
  fc.constantFrom(
    "172.29.0.1 -j ACCEPT",
    "172.29.0.1\n-F",
    "*filter",
    "../../etc/passwd",
    "172.29.0.0/24;reboot",
    "-1",
  ),
);
const field = (valid: unknown) => fc.oneof({ weight: 8, arbitrary: fc.constant(valid) }, hostile, fc.anything());
const answer = fc.record({
  version: field(1),
  podAddress: field("172.20.1.6"),
  vxlan: fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        id: field(3150),
        port: field(4789),
        network: field("172.29.0.0/24"),
        gateway: field("172.29.0.1"),
        mac: field("02:77:ac:1d:00:01"),
        mtu: field(1400),
      }),
    },
    fc.anything(),
  ),
  instance: field("0".repeat(32)),
  healthy: field(true),
  draining: field(false),
});
const address = fc.integer({ min: 0, max: 0xffff_ffff });

Deno.test("whatever a gateway, a DHCP server or a nameserver says, rules are made of addresses and numbers", {
  permissions: "none",
}, () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.array(answer, { minLength: 8, maxLength: 8 }), address, address, (answers, leased, resolved) => {
      for (const body of answers) {
        const info = readAnswer(JSON.stringify(body));
        if (info === undefined) continue;
        taken++;
        const { tunnel } = linkTo(config, uplink, { podAddress: parseIpv4("172.20.1.6"), info });
        const lease = { address: leased, prefixLength: 24, expiresAt: 1_000 };
        const candidates = [{ address: resolved, port: 80 }];
        const views: ClientPhase[] = [
          { phase: "discovering", uplink, candidates },
          { phase: "leasing", uplink, tunnel },
          { phase: "verifying", uplink, tunnel, lease },
          { phase: "open", uplink, tunnel, lease },
        ];
        for (const { firewall } of views.map((view) => clientNetState(config.net, view, 0))) {
          const rules = [firewall.v4, firewall.v6].flatMap(({ chains }) => chains).flatMap((chain) => chain.rules);
          for (const rule of rules) assert.match(rule, /^(?:(?:! )?-{1,2}[a-zA-Z-]+(?: [A-Za-z0-9.:,/-]+)*(?: |$))+$/);
        }
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(taken > 100, `${taken} answers were taken at all`);
});

function readAnswer(text: string): GatewayInfo | undefined {
  try {
    return parseGatewayInfo(text);
  } catch (error) {
    assert.ok(error instanceof PgwError, `${error}`);
    return undefined;
  }
}
