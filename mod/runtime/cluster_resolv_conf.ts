/** What /etc/resolv.conf held before a VPN in the same Pod rewrote it: the cluster's nameservers and search list. */

import { originalResolvConf, parseResolvConf, type ResolvConf } from "../dns/resolv_conf.ts";
import { logger } from "./log.ts";
import { readTextIfThere } from "./text_file.ts";

const log = logger("dns");

/**
 * Tells the cluster's resolver settings. A text with the cluster's own search list is the kubelet's and is remembered in
 * `directory`; another one may be a VPN's, which was there first or rewrote the file before this container was started
 * again: then what is remembered counts.
 *
 * @param text what the file holds now
 * @returns `isKnown` false: whose settings these are cannot be told
 */
export function clusterResolvConf(
  text: string,
  clusterDomain: string,
  directory: string,
): ResolvConf & { readonly isKnown: boolean } {
  const path = `${directory}/cluster-resolv.conf`;
  const original = originalResolvConf(text);
  if (isKubelets(original, clusterDomain)) {
    remember(path, original);
    return { ...parseResolvConf(original), isKnown: true };
  }
  const remembered = readTextIfThere(path);
  if (isKubelets(remembered, clusterDomain)) return { ...parseResolvConf(remembered), isKnown: true };
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

/** Where nothing can be written, nothing is remembered: the text is right as long as this container lives. */
function remember(path: string, text: string): void {
  try {
    if (readTextIfThere(path) !== text) Deno.writeTextFileSync(path, text);
  } catch (error) {
    log.debug("{path} cannot be written: {error}", { path, error });
  }
}
