/** What one wants to see when a test has failed. */

import { attempt } from "./command.ts";
import type { Internet } from "./internet.ts";

const namespaces = ["vpn", "apps", "many", "denied"];
const roles = [
  { selector: "pod-gateway/role=gateway", containers: ["pgw", "openvpn"] },
  { selector: "pod-gateway/role=client", containers: ["pgw-init", "pgw", "app"] },
];

/** The Pods' state, events, and the logs of both roles, as text; first of those that `failure` names. */
export async function diagnose(kubeconfig: string, internet: Internet | undefined, failure: string): Promise<string> {
  const kubectl = async (...args: string[]) => {
    const { stdout, stderr } = await attempt(["kubectl", "--kubeconfig", kubeconfig, ...args]);
    return (stdout + stderr).trimEnd();
  };
  const parts = [
    "Pods",
    await kubectl("get", "pods", "-A", "-o", "wide", "--sort-by=.metadata.namespace"),
    "events",
    lastLines(await kubectl("get", "events", "-A", "--sort-by=.lastTimestamp"), 40),
  ];
  for (const namespace of namespaces) {
    for (const { selector, containers } of roles) {
      const names = await kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "name");
      const pods = names.split("\n").filter((name) => name.startsWith("pod/"))
        .sort((a, b) => Number(isNamed(b, failure)) - Number(isNamed(a, failure)));
      // some of many like them tell enough
      for (const pod of pods.slice(0, 4)) {
        for (const container of containers) {
          for (const which of [[], ["--previous"]]) {
            const log = await kubectl("logs", "-n", namespace, pod, "-c", container, "--tail=40", ...which);
            if (!/^error|^Error/.test(log)) parts.push([namespace, pod, container, ...which].join(" "), log);
          }
        }
      }
    }
  }
  if (internet !== undefined) parts.push("the internet", await internet.log());
  return parts.map((part, index) => index % 2 === 0 ? `--- ${part}` : part).join("\n");
}

function isNamed(pod: string, failure: string): boolean {
  return failure.includes(pod.replace("pod/", ""));
}

function lastLines(text: string, count: number): string {
  return text.split("\n").slice(-count).join("\n");
}
