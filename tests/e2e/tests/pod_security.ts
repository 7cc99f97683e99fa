import assert from "node:assert/strict";
import { CommandError } from "../command.ts";
import { clientFolder, namespace } from "../workloads.ts";
import type { Test } from "../world.ts";

export const podSecurity: Test = {
  name: "Pod Security baseline: the one thing refused in a client Pod is NET_ADMIN",
  async run({ kubectl }) {
    await kubectl.apply(namespace("strict", { "pod-security.kubernetes.io/enforce": "baseline" }));
    const refusals = [];
    for (const form of ["sidecar", "classic"] as const) {
      const folder = await clientFolder({ name: `strict-${form}`, namespace: "strict", form });
      type Deployment = { kind: string; spec: { template: { metadata: Record<string, unknown>; spec: unknown } } };
      const made = await kubectl.json<Deployment>(["create", "-k", folder, "--dry-run=client"]);
      const { metadata, spec } = made.spec.template;
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...metadata, name: "refused", namespace: "strict" },
        spec,
      };
      refusals.push(await refusal(() => kubectl.run(["create", "-f", "-"], { stdin: JSON.stringify(pod) })));
    }
    const added =
      /violates PodSecurity "baseline:[^"]*": non-default capabilities \(containers? [^)]*must not include "NET_ADMIN" in securityContext\.capabilities\.add\)$/;
    for (const text of refusals) assert.match(text, added);
    return refusals[0]!.replace(/^.*violates /, "");
  },
};

async function refusal(create: () => Promise<unknown>): Promise<string> {
  try {
    await create();
  } catch (error) {
    if (error instanceof CommandError) return error.output.stderr.trim();
    throw error;
  }
  throw new Error("the API server took the Pod");
}
