/** Pods for peers: as many as there are peers, each with a network of its own, side by side. */
import type { Lab } from "../../lab/lab.ts";
import { Pod } from "../../lab/pod.ts";
import { device } from "./dialogue.ts";

let podsMade = 0;

/** Pods beside those that every lab has, until `body` ends. What was said in them is printed when it fails. */
export async function withPods<Name extends string>(
  lab: Lab,
  names: readonly Name[],
  body: (pods: Readonly<Record<Name, Pod>>) => Promise<void>,
): Promise<void> {
  const pods = names.map((name) => new Pod({ ...lab.stranger.place, name, host: 51 + podsMade++ }));
  await Promise.all(pods.map((pod) => pod.create()));
  try {
    await body(Object.fromEntries(names.map((name, index) => [name, pods[index]])) as Record<Name, Pod>);
  } catch (error) {
    for (const pod of pods) {
      const outputs = pod.processes.map((process) => `--- ${process.name}\n${process.output}`);
      console.error(`===== ${pod.name}\n${outputs.join("")}--- state\n${await pod.describe()}`);
    }
    throw error;
  } finally {
    await Promise.all(pods.map((pod) => pod.destroy()));
  }
}

/** Does the same with all of them at once; an error tells whose it is. */
export async function each<Name extends string>(
  names: readonly Name[],
  act: (name: Name) => Promise<void>,
): Promise<void> {
  await Promise.all(names.map(async (name) => {
    try {
      await act(name);
    } catch (cause) {
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }));
}

/** A tunnel to `gateway`, a Pod's address, as a client has one. */
export async function connect(pod: Pod, gateway: string): Promise<void> {
  await pod.ip(
    `link add ${device} type vxlan id 3150 remote ${gateway} dstport 4789 dev eth0`,
    `link set ${device} up`,
  );
}

/** The MAC of a Pod's tunnel. */
export async function macOf(pod: Pod): Promise<string> {
  return (await pod.exec(["cat", `/sys/class/net/${device}/address`])).stdout.trim();
}

/** The tunnel's IPv4 addresses in a Pod, with their prefix lengths, such as `172.29.0.20/24`. */
export async function addressesOf(pod: Pod): Promise<string[]> {
  const { stdout } = await pod.exec(["ip", "-4", "-o", "address", "show", "dev", device], { check: false });
  return [...stdout.matchAll(/ inet (\S+)/g)].map(([, address]) => address!);
}

/** What a gateway of ours says of one address. */
export type Listed = {
  readonly address: string;
  readonly state: string;
  readonly mac: string;
  /** When it ends or ended: milliseconds since 1970. */
  readonly expiresAt: number;
};

/** The leases of a gateway of ours, as `pgw leases --json` has them. */
export async function leasesOf(gateway: Pod): Promise<readonly Listed[]> {
  const { stdout } = await gateway.exec(["curl", "-sf", "http://127.0.0.1:3150/v1/leases"]);
  return (JSON.parse(stdout) as { leases: readonly Listed[] }).leases;
}
