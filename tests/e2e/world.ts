/** What all tests share: the cluster with its gateways, the internet beside it, and what a test does with them. */

import { type Cluster, onNode } from "./cluster.ts";
import { cities, type Internet } from "./internet.ts";
import { containerStatus, type Kubectl, type Pod } from "./kubectl.ts";
import { type Moment, parseTimeline } from "./timeline.ts";
import { eventually, sleep } from "./wait.ts";
import {
  type Client,
  clientFolder,
  configMap,
  gatewayService,
  gatewaysFolder,
  namespace,
  plainPod,
  secret,
  service,
} from "./workloads.ts";

/** A test in the cluster. What `run` returns is printed beside its name: a measured value. */
export type Test = {
  readonly name: string;
  readonly run: (world: World) => Promise<string>;
};

const namespaces = ["vpn", "apps", "many", "plain", "denied"];
/** Two of one city and one of another. */
export const gatewayCount = 3;
const gatewaySelector = "pod-gateway/role=gateway";
const clientSettings = { PGW_LOG_LEVEL: "info", PGW_CLIENT_PING_INTERVAL: "0.5" };

export class World {
  readonly kubectl: Kubectl;

  constructor(readonly cluster: Cluster, readonly internet: Internet) {
    this.kubectl = cluster.kubectl;
  }

  /** Makes the gateways and the Pods that tests compare with. */
  async populate(): Promise<void> {
    const { kubectl, cluster: { nodes } } = this;
    // what an earlier run left, where the cluster is used again
    await kubectl.run(["delete", "namespace", ...namespaces, "--ignore-not-found"]);
    await kubectl.apply(
      ...namespaces.map((name) => namespace(name)),
      configMap("vpn", "pgw-gateway", { PGW_LOG_LEVEL: "info" }),
      secret("vpn", "openvpn", { "client.ovpn": await this.internet.vpnProfile(cities[0]) }),
      secret("vpn", "openvpn-osaka", { "client.ovpn": await this.internet.vpnProfile(cities[1]) }),
      ...await this.clusterDns(),
      plainPod("plain", "control", nodes[0]),
      plainPod("plain", "near-0", nodes[0]),
      plainPod("plain", "near-1", nodes[1]),
      service("plain", "near", { app: "near-1" }),
      gatewayService("tokyo-gateway", { "pod-gateway/city": "tokyo" }),
    );
    await this.prepareNamespace("apps");
    await kubectl.applyFolder(await gatewaysFolder());
    await kubectl.run(["rollout", "restart", "-n", "kube-system", "deployment/coredns"]);
    await kubectl.run(["rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=90s"]);
    for (const name of ["control", "near-0", "near-1"]) await kubectl.ready("plain", `app=${name}`, 1, 60_000);
    await this.gatewaysReady(120_000);
  }

  /** The cluster's DNS asks the DNS server outside, around any VPN, as it does where a cluster has the internet. */
  private async clusterDns(): Promise<unknown[]> {
    type ConfigMap = { metadata: unknown; data: Record<string, string> };
    const current = await this.kubectl.json<ConfigMap>(["get", "configmap", "-n", "kube-system", "coredns"]);
    const corefile = current.data["Corefile"]!.replace("forward . /etc/resolv.conf", "forward . 203.0.113.53");
    return [configMap("kube-system", "coredns", { Corefile: corefile })];
  }

  /** Makes the settings of clients in `namespace` quick and their logs useful. */
  async prepareNamespace(namespace: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.kubectl.apply(configMap(namespace, "pgw-client", { ...clientSettings, ...settings }));
  }

  gateways(): Promise<Pod[]> {
    return this.kubectl.pods("vpn", gatewaySelector);
  }

  gatewaysReady(timeoutMs = 60_000): Promise<Pod[]> {
    return this.kubectl.ready("vpn", gatewaySelector, gatewayCount, timeoutMs);
  }

  async applyClient(client: Client): Promise<void> {
    await this.kubectl.applyFolder(await clientFolder(client));
  }

  /** Makes `client` and waits until its Pods are ready. */
  async startClient(client: Client, timeoutMs = 60_000): Promise<Pod[]> {
    await this.applyClient(client);
    return await this.kubectl.ready(client.namespace, `app=${client.name}`, client.replicas ?? 1, timeoutMs);
  }

  /** Does not wait until it is gone. */
  async removeClient(client: Client): Promise<void> {
    await this.kubectl.run(["delete", "-k", await clientFolder(client), "--wait=false"]);
  }

  /** `work` with a Pod of `client`, which is removed afterwards. */
  async withClient<T>(client: Client, work: (pod: Pod) => Promise<T>): Promise<T> {
    const [pod] = await this.startClient(client);
    try {
      return await work(pod!);
    } finally {
      await this.removeClient(client);
    }
  }

  /** Runs `command` in the application container of `pod`. */
  inApp(pod: Pod, ...command: string[]): Promise<string> {
    return this.kubectl.exec(pod, "app", command);
  }

  /** The positive control: what an unprotected Pod sends is seen outside. */
  async positiveControl(): Promise<string> {
    const pod = await this.kubectl.pod("plain", "app=control");
    return await this.internet.sees((name) => this.inApp(pod, "unprotected", name));
  }

  /** `work`, during which nothing may come to the internet around the VPN; the positive control comes first. */
  async withoutLeak<T>(work: () => Promise<T>): Promise<T> {
    await this.positiveControl();
    // the last of what the control sent
    await sleep(300);
    const before = (await this.internet.around()).length;
    const result = await work();
    // what is on its way, and the capture's own delay
    await sleep(300);
    const leaked = (await this.internet.around()).slice(before);
    if (leaked.length > 0) {
      const first = leaked.slice(0, 10).join("\n");
      throw new Error(`${leaked.length} packets came around the VPN, the first ones:\n${first}`);
    }
    return result;
  }

  async timeline(pod: Pod): Promise<Moment[]> {
    return parseTimeline(await this.kubectl.logs(pod, "app"));
  }

  /** Waits until the application of `pod` had an answer after `since`, and returns it. */
  answered(pod: Pod, since: number, timeoutMs: number): Promise<Moment> {
    return eventually(`${pod.metadata.name} has an answer from outside`, timeoutMs, async () => {
      const answer = (await this.timeline(pod)).find(({ at, source }) => at > since && source !== undefined);
      if (answer === undefined) throw new Error("none yet");
      return answer;
    });
  }

  /** What the kernel of a client Pod says of its tunnel, which is not there while the client moves. */
  tunnel(pod: Pod): Promise<{ remote: string; address: string }> {
    return eventually(`${pod.metadata.name} has a tunnel`, 20_000, () => this.#tunnelNow(pod));
  }

  async #tunnelNow(pod: Pod): Promise<{ remote: string; address: string }> {
    type Link = { linkinfo: { info_data: { remote?: string } } };
    type Addresses = { addr_info: { family: string; local: string }[] };
    const [link] = JSON.parse(await this.inApp(pod, "ip", "-d", "-j", "link", "show", "vxlan3150")) as Link[];
    const [addresses] = JSON.parse(await this.inApp(pod, "ip", "-4", "-j", "addr", "show", "vxlan3150")) as Addresses[];
    const remote = link?.linkinfo.info_data.remote;
    const address = addresses?.addr_info[0]?.local;
    if (remote === undefined || address === undefined) throw new Error(`${pod.metadata.name} has no tunnel`);
    return { remote, address };
  }

  /** The gateway that the client in `pod` uses. */
  async gatewayOf(pod: Pod): Promise<Pod> {
    const { remote } = await this.tunnel(pod);
    const gateway = (await this.gateways()).find((gateway) => gateway.status.podIP === remote);
    if (gateway === undefined) throw new Error(`no gateway has ${remote}`);
    return gateway;
  }

  /** Ends the process of a container by SIGKILL. */
  async killContainer(pod: Pod, container: string): Promise<void> {
    const fresh = await this.kubectl.json<Pod>(["get", "pod", "-n", pod.metadata.namespace, pod.metadata.name]);
    const id = containerStatus(fresh, container).containerID!.replace("containerd://", "");
    await onNode(fresh.spec.nodeName!, ["ctr", "-n", "k8s.io", "task", "kill", "-s", "SIGKILL", id]);
  }

  async restarts(pod: Pod, container: string): Promise<number> {
    const fresh = await this.kubectl.json<Pod>(["get", "pod", "-n", pod.metadata.namespace, pod.metadata.name]);
    return containerStatus(fresh, container).restartCount;
  }
}
