import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { ClientTrafficCounter } from "../../mod/linux/client_traffic.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { kernelTest } from "./namespace.ts";

kernelTest("nothing was forwarded yet; a second counter finds the first one's table, and closing takes it away", () => {
  const first = ClientTrafficCounter.open("vxlan3150");
  assert.deepEqual([...first.read()], []);
  assert.throws(() => ClientTrafficCounter.open("vxlan3150"), SocketError);
  first[Symbol.dispose]();
  using second = ClientTrafficCounter.open("vxlan3150");
  assert.equal(second.read().get(parseIpv4("172.29.0.20")), undefined);
  return Promise.resolve();
});
