import assert from "node:assert/strict";
import { openUpstreamSockets } from "../../../mod/runtime/dns_upstream_sockets.ts";

const permissions = { ffi: false, net: "inherit" } as const;

Deno.test({ name: "without the C library, questions leave by the runtime's own sockets", permissions }, async () => {
  (await openUpstreamSockets()).close();
});

Deno.test({ name: "questions that should be marked leave by none that cannot mark them", permissions }, async () => {
  await assert.rejects(openUpstreamSockets([], 0x3151));
});
