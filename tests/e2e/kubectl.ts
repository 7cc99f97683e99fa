/** The Kubernetes API by way of kubectl. */

import { run } from "./command.ts";
import { eventually } from "./wait.ts";

export type ContainerStatus = {
  readonly name: string;
  readonly containerID?: string;
  readonly restartCount: number;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly state: { readonly waiting?: unknown; readonly running?: unknown; readonly terminated?: unknown };
};

/** The part of a Pod that the tests look at. */
export type Pod = {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
};

export class Kubectl {
  constructor(private readonly kubeconfig: string) {}

  /** Standard output of `kubectl ARGS`. */
  run(args: readonly string[], options: { stdin?: string; timeoutMs?: number } = {}): Promise<string> {
    return run(["kubectl", "--kubeconfig", this.kubeconfig, ...args], options);
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.run([...args, "-o", "json"])) as T;
  }

  async apply(...objects: readonly unknown[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.run(["apply", "-f", "-"], { stdin: JSON.stringify(list) });
  }

  /** `kubectl apply -k FOLDER` */
  async applyFolder(folder: string, namespace?: string): Promise<void> {
    await this.run(["apply", "-k", folder, ...(namespace === undefined ? [] : ["-n", namespace])]);
  }

  /** The Pods that `selector` selects and that nobody has asked to end. */
  async pods(namespace: string, selector: string): Promise<Pod[]> {
    const { items } = await this.json<{ items: Pod[] }>(["get", "pods", "-n", namespace, "-l", selector]);
    return items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  }

  async pod(namespace: string, selector: string): Promise<Pod> {
    const [pod, ...others] = await this.pods(namespace, selector);
    if (pod === undefined || others.length > 0) {
      throw new Error(`${namespace}: ${others.length + 1} Pods with ${selector}`);
    }
    return pod;
  }

  /** Waits until `count` Pods are ready, and returns them. */
  ready(namespace: string, selector: string, count: number, timeoutMs: number): Promise<Pod[]> {
    return eventually(`${count} Pods with ${selector} ready in ${namespace}`, timeoutMs, async () => {
      const pods = (await this.pods(namespace, selector)).filter(isReady);
      if (pods.length !== count) throw new Error(`${pods.length} are`);
      return pods;
    }, 500);
  }

  exec(pod: Pod, container: string, command: readonly string[], timeoutMs = 20_000): Promise<string> {
    const { namespace, name } = pod.metadata;
    return this.run(["exec", "-n", namespace, name, "-c", container, "--", ...command], { timeoutMs });
  }

  logs(pod: Pod, container: string): Promise<string> {
    const { namespace, name } = pod.metadata;
    return this.run(["logs", "-n", namespace, name, "-c", container]);
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

/** How `container` of `pod` is, be it an init container or another. */
export function containerStatus(pod: Pod, container: string): ContainerStatus {
  const all = [...pod.status.initContainerStatuses ?? [], ...pod.status.containerStatuses ?? []];
  const status = all.find((status) => status.name === container);
  if (status === undefined) throw new Error(`Pod ${pod.metadata.name} has no container ${container} yet`);
  return status;
}
