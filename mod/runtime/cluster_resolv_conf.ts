/** What /etc/resolv.conf held before a VPN in the same Pod rewrote it: the cluster's nameservers and search list. */

import { dirname } from "node:path";
import { originalResolvConf, parseResolvConf, type ResolvConf } from "../dns/resolv_conf.ts";
import { logger } from "./log.ts";
import { readTextIfThere } from "./text_file.ts";

const log = logger("dns");

/**
 * Tells the cluster's resolver settings. The first text with the cluster's own search list that this Pod sees is the
 * kubelet's, and is remembered in `directory`. It counts from then on, since a VPN may rewrite the file in part (its own
 * nameserver before the kubelet's, the search list kept) before this container is started again.
 *
 * @param text what the file holds now
 * @param podName what a directory that outlives its Pod is told apart by
 * @returns `isKnown` false: whose settings these are cannot be told
 */
export function clusterResolvConf(
  text: string,
  clusterDomain: string,
  directory: string,
  podName: string = Deno.hostname(),
): ResolvConf & { readonly isKnown: boolean } {
  const path = `${directory}/cluster-resolv.conf`;
  const head = `# /etc/resolv.conf of ${podName}\n`;
  const original = originalResolvConf(text);
  const remembered = recall(path);
  const isOfThisPod = remembered.startsWith(head) && isKubelets(remembered, clusterDomain);
  if (isOfThisPod) return { ...parseResolvConf(remembered), isKnown: true };
  if (isKubelets(original, clusterDomain)) {
    remember(path, head + original);
    return { ...parseResolvConf(original), isKnown: true };
  }
  if (Deno.env.has("KUBERNETES_SERVICE_HOST")) {
    log.warn(
      "/etc/resolv.conf is not the kubelet's (a VPN was there first), so who answers cluster names is not known: " +
        "set PGW_CLUSTER_NAMESERVERS, or start pgw before the VPN",
    );
  }
  return { ...parseResolvConf(original), isKnown: false };
}

function isKubelets(text: string, clusterDomain: string): boolean {
  return parseResolvConf(text).search.some((domain) => domain.replace(/\.$/, "") === `svc.${clusterDomain}`);
}

/** Empty where it cannot be read, whatever the reason: a gateway is of use without it. */
function recall(path: string): string {
  try {
    return readTextIfThere(path);
  } catch (error) {
    log.warn("{path} cannot be read: {error}", { path, error });
    return "";
  }
}

/** Where nothing can be written, nothing is remembered: the text is right as long as this container lives. */
function remember(path: string, text: string): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeTextFileSync(path, text);
  } catch (error) {
    log.debug("{path} cannot be written: {error}", { path, error });
  }
}
