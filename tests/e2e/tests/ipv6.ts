import assert from "node:assert/strict";
import { CommandError } from "../command.ts";
import { webServer6 } from "../internet.ts";
import { sleep } from "../wait.ts";
import type { Test } from "../world.ts";

export const ipv6: Test = {
  name: "dual-stack Pods: IPv6 does not leak, and fails at once",
  run: (world) =>
    world.withoutLeak(() =>
      world.withClient({ name: "dual", namespace: "apps", form: "sidecar" }, async (pod) => {
        assert.equal(pod.status.podIPs?.length, 2, "the Pod has both families");
        await world.answered(pod, 0, 10_000);
        // UDP, TCP and names over both families, see outside/prober
        await sleep(2_000);
        const start = Date.now();
        await assert.rejects(
          world.inApp(pod, "curl", "-sS", "-m", "5", `http://[${webServer6}]/`),
          (error) => error instanceof CommandError && error.output.code === 7,
          "curl cannot connect",
        );
        // a name with both addresses: the application falls back to IPv4
        await world.inApp(pod, "curl", "-sS", "-m", "5", "http://www.outside.test/");
        return `both tries ${Date.now() - start} ms`;
      })
    ),
};
