/** "The internet": a container beside the cluster's nodes, see outside/internet. */

import { attempt, run } from "./command.ts";
import { type Cluster, onNode } from "./cluster.ts";
import { outsideImage } from "./image.ts";
import { eventually, sleep } from "./wait.ts";

/** The web server that tells who asks. */
export const webServer = "203.0.113.10";
export const webServer6 = "2001:db8:113::10";
export const dnsServer = "203.0.113.53";

export const cities = ["tokyo", "osaka"] as const;
export type City = typeof cities[number];

const ports: Readonly<Record<City, number>> = { tokyo: 1194, osaka: 1195 };

/** The city whose VPN has the address `source`, as the web server tells it. */
export function cityOf(source: string): City | undefined {
  const last = /^198\.51\.100\.(\d+)$/.exec(source)?.[1];
  if (last === undefined) return undefined;
  return Number(last) < 128 ? "tokyo" : "osaka";
}

export class Internet {
  private constructor(private readonly container: string, readonly address: string) {}

  static async start(cluster: Cluster): Promise<Internet> {
    const container = `${cluster.name}-internet`;
    await run(["docker", "load", "-i", outsideImage.archive]);
    await attempt(["docker", "rm", "-f", container]);
    await run(["docker", "run", "-d", "--name", container, "--network", "kind", "--privileged"].concat([
      "--sysctl",
      "net.ipv6.conf.all.disable_ipv6=0",
      outsideImage.name,
      "internet",
    ]));
    const format = "{{.NetworkSettings.Networks.kind.IPAddress}} {{.NetworkSettings.Networks.kind.GlobalIPv6Address}}";
    const [address, address6] = (await run(["docker", "inspect", "-f", format, container])).trim().split(" ");
    for (const node of cluster.nodes) {
      await onNode(node, ["ip", "route", "replace", "203.0.113.0/24", "via", address!]);
      await onNode(node, ["ip", "-6", "route", "replace", "2001:db8:113::/48", "via", address6!]);
    }
    const internet = new Internet(container, address!);
    await eventually("the VPN servers and the capture are up", 20_000, async () => {
      await internet.exec(
        "test -e /run/vpn/tokyo.pid && test -e /run/vpn/osaka.pid && grep -q listening /run/capture.log",
      );
    });
    return internet;
  }

  async stop(): Promise<void> {
    await run(["docker", "rm", "-f", "-v", this.container]);
  }

  /** Runs a line of shell there. */
  exec(line: string): Promise<string> {
    return run(["docker", "exec", this.container, "bash", "-c", line]);
  }

  log(): Promise<string> {
    return run(["sh", "-c", 'docker logs --tail 40 "$1" 2>&1', "sh", this.container]);
  }

  /** What a client of the city's VPN needs, as an .ovpn file. */
  async vpnProfile(city: City): Promise<string> {
    return `remote ${this.address} ${ports[city]}\n${await this.exec("cat /run/vpn/client.ovpn")}`;
  }

  async stopVpn(city: City): Promise<void> {
    await this.exec(`touch /run/vpn/${city}.off; kill "$(cat /run/vpn/${city}.pid)"`);
  }

  async startVpn(city: City): Promise<void> {
    await this.exec(`rm -f /run/vpn/${city}.off`);
  }

  /** Packets that came here around the VPN so far, one line each. */
  async around(): Promise<string[]> {
    return (await this.exec("cat /run/around")).split("\n").filter((line) => line !== "");
  }

  /**
   * The positive control: `send` makes an unprotected Pod send a packet of each kind, and each is seen here. Sends again
   * while one is missing: the cluster's DNS may just have been started.
   */
  sees(send: (name: string) => Promise<unknown>): Promise<string> {
    return eventually("the capture sees what an unprotected Pod sends", 20_000, async () => {
      const before = (await this.around()).length;
      const name = `control-${before}.outside.test`;
      await send(name);
      await sleep(200);
      const seen = (await this.around()).slice(before);
      const kinds: Readonly<Record<string, RegExp>> = {
        "UDP/IPv4": / IP .* > 203\.0\.113\.10\.9: UDP/,
        "UDP/IPv6": / IP6 .* > 2001:db8:113::10\.9: UDP/,
        "TCP/IPv4": / IP .* > 203\.0\.113\.10\.80: Flags \[S\]/,
        "TCP/IPv6": / IP6 .* > 2001:db8:113::10\.80: Flags \[S\]/,
        "a name asked of the cluster's DNS": new RegExp(`> 203\\.0\\.113\\.53\\.53: .*${name}`),
      };
      const missing = Object.keys(kinds).filter((kind) => !seen.some((line) => kinds[kind]!.test(line)));
      if (missing.length > 0) throw new Error(`not seen: ${missing.join(", ")}`);
      return `${Object.keys(kinds).join(", ")} seen`;
    });
  }
}
