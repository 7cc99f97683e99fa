/** A kind cluster of two nodes with both address families. */

import { run } from "./command.ts";
import type { Image } from "./image.ts";
import { Kubectl } from "./kubectl.ts";

export type Cluster = {
  readonly name: string;
  readonly kubectl: Kubectl;
  /** Names of the nodes, which are those of their containers, too. */
  readonly nodes: readonly [string, string];
};

const config = {
  kind: "Cluster",
  apiVersion: "kind.x-k8s.io/v1alpha4",
  networking: { ipFamily: "dual" },
  nodes: [{ role: "control-plane" }, { role: "worker" }],
};

/** Makes the cluster `name`, with $KIND_NODE_IMAGE if that is set. */
export async function createCluster(name: string, kubeconfig: string): Promise<Cluster> {
  const image = Deno.env.get("KIND_NODE_IMAGE");
  const command = ["kind", "create", "cluster", "--name", name, "--kubeconfig", kubeconfig, "--config", "-"];
  await run([...command, "--wait", "180s", ...(image === undefined ? [] : ["--image", image])], {
    stdin: JSON.stringify(config),
    timeoutMs: 400_000,
  });
  return await openCluster(name, kubeconfig);
}

/** The cluster `name`, which is there. */
export async function openCluster(name: string, kubeconfig: string): Promise<Cluster> {
  await run(["kind", "export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]);
  const kubectl = new Kubectl(kubeconfig);
  const { items } = await kubectl.json<{ items: { metadata: { name: string } }[] }>(["get", "nodes"]);
  const [first, second] = items.map((node) => node.metadata.name);
  if (first === undefined || second === undefined) throw new Error(`cluster ${name} has not two nodes`);
  // The first node's taint would keep Pods away; it is gone already where the cluster was used before.
  await kubectl.run(["taint", "nodes", first, "node-role.kubernetes.io/control-plane-"]).catch(() => {});
  return { name, kubectl, nodes: [first, second] };
}

export async function deleteCluster(name: string, kubeconfig: string): Promise<void> {
  await run(["kind", "delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]);
}

export async function loadImage(cluster: Cluster, image: Image): Promise<void> {
  await run(["kind", "load", "image-archive", image.archive, "--name", cluster.name], { timeoutMs: 300_000 });
}

/** Runs `command` on a node, as root. */
export function onNode(node: string, command: readonly string[]): Promise<string> {
  return run(["docker", "exec", node, ...command]);
}
