import assert from "node:assert/strict";
import { gatewayHttp, type GatewaySources } from "../../../mod/runtime/gateway_http.ts";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";

Deno.test("a gateway's HTTP: who asks for the gateway's address asks for a lease next", () => {
  let prepared = 0;
  const sources = { info: () => ({ podAddress: parseIpv4("10.42.0.21") }), dhcp: { prepare: () => prepared++ } };
  const answer = gatewayHttp(sources as unknown as GatewaySources);
  assert.deepEqual(answer("/", false), { status: 200, body: "10.42.0.21\n" });
  assert.equal(prepared, 1);
  answer("/livez", false);
  assert.equal(prepared, 1);
});
