import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../../addr/ipv4.ts";
import { gatewayAddress } from "../../config/settings.ts";
import { parseResolvConf, podResolvConf, type ResolvConf } from "../../dns/resolv_conf.ts";
import { type Finding, ok, problem, skipped } from "../../doctor/finding.ts";
import { nobody } from "../../doctor/leaks.ts";
import { messageOf } from "../failure.ts";
import { ResolveError, resolveName } from "../resolver.ts";
import { readTextIfThere } from "../text_file.ts";
import type { Examined } from "./doctor.ts";
import type { RunningPgw } from "./running.ts";

const resolvConfPath = "/etc/resolv.conf";

/**
 * Names of the cluster's, and `name` where the user asks for one, as an application asks: of a client's gateway, of this
 * gateway's own forwarder, or of the cluster's nameservers where there is no `pgw` yet.
 */
export async function checkDns(
  { settings }: Examined,
  running: RunningPgw | undefined,
  name?: string,
): Promise<Finding[]> {
  const text = readTextIfThere(resolvConfPath);
  const servers = running?.role === "gateway"
    ? [gatewayAddress(settings.vxlanNetwork)]
    : addresses(running === undefined ? podResolvConf(text) : parseResolvConf(text));
  const isInCluster = Deno.env.has("KUBERNETES_SERVICE_HOST");
  const clusterName = `kubernetes.default.svc.${settings.clusterDomain}`;
  const isTunnelled = running?.role === "client" && running.isWell;
  return [
    isInCluster
      ? await checkName(
        "DNS: the cluster's names",
        clusterName,
        servers,
        "see PGW_CLUSTER_DOMAIN and PGW_CLUSTER_NAMESERVERS on the gateway",
      )
      : skipped(
        "DNS: the cluster's names",
        "this is no Pod of a Kubernetes cluster (KUBERNETES_SERVICE_HOST is not set)",
      ),
    ...name === undefined ? [] : [
      await checkName(
        `DNS: ${name}`,
        name,
        servers,
        "see `pgw status` on the gateway: do the VPN's resolvers answer?",
      ),
    ],
    ...isTunnelled && settings.dns !== "off" && isInCluster ? [await checkForeignNameserver(clusterName)] : [],
  ];
}

async function checkName(check: string, name: string, servers: readonly Ipv4[], remedy: string): Promise<Finding> {
  const of = servers.map(formatIpv4).join(", ");
  try {
    const addresses = await ask(name, servers);
    return ok(check, `${name} is ${addresses.map(formatIpv4).join(", ")}, says ${of}`);
  } catch (error) {
    if (!(error instanceof ResolveError)) throw error;
    return problem(check, messageOf(error), remedy);
  }
}

/** A nameserver that is written into an application: what it is asked must not leave, nor hang. */
async function checkForeignNameserver(name: string): Promise<Finding> {
  const check = "DNS: a hard-coded nameserver";
  const server = nobody[4];
  try {
    await ask(name, [parseIpv4(server)]);
    return ok(check, `what is asked of ${server} is answered by the gateway`);
  } catch (error) {
    if (!(error instanceof ResolveError)) throw error;
    if (/EPERM|EACCES|EHOSTUNREACH|ECONNREFUSED/.test(error.message)) {
      return ok(check, `what is asked of ${server} is refused`);
    }
    return problem(
      check,
      messageOf(error),
      "see the gateway's log: its DNS should answer in the place of any nameserver",
    );
  }
}

async function ask(name: string, servers: readonly Ipv4[]): Promise<readonly Ipv4[]> {
  return await resolveName(name, { nameservers: servers, search: [], ndots: 1, hosts: "", asApplication: true });
}

function addresses({ nameservers }: ResolvConf): Ipv4[] {
  return nameservers.filter(isIpv4).map(parseIpv4);
}
