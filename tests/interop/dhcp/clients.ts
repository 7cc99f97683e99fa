/** Other people's DHCP clients, as they are started, killed and stopped here. */
import type { Pod } from "../../lab/pod.ts";
import type { Process } from "../../lab/process.ts";
import { scriptCommand } from "../../lab/program.ts";
import { device } from "./dialogue.ts";
import { installProgram, installScript } from "./programs.ts";

export type DhcpClient = {
  /** Starts it, with what it remembers of the run before. */
  start(pod: Pod): Promise<Process>;
  /** Ends it so that it gives its address back. Absent: it never does. */
  release?(pod: Pod, process: Process): Promise<void>;
  /** Asks for more time now, where the client's own time for that does not come in seconds. */
  renew?(process: Process): void;
  /** Asks for more time at all. */
  readonly renews: boolean;
  /** Begins with the address that it had (INIT-REBOOT). */
  readonly remembers: boolean;
};

export const clients: Readonly<Record<"dhclient" | "udhcpc" | "dhcpcd" | "networkd" | "npm", DhcpClient>> = {
  dhclient: {
    renews: true,
    remembers: true,
    async start(pod) {
      await installProgram(pod, "/sbin/dhclient");
      await installScript(pod, "dhclient-script", dhclientScript);
      // Or else it may ask its server again after 10 s only, when the lease has ended.
      await Deno.writeTextFile(`${pod.runDirectory}/dhclient.conf`, "initial-interval 1;\nbackoff-cutoff 1;\n");
      return pod.spawn(["/run/dhclient", "-d", ...dhclientFiles, device]);
    },
    async release(pod, process) {
      await pod.exec(["/run/dhclient", "-r", ...dhclientFiles, device]);
      await process.end();
    },
  },
  udhcpc: {
    renews: true,
    // It wishes for its former address in a DHCPDISCOVER only.
    remembers: false,
    async start(pod) {
      await installScript(pod, "udhcpc-script", udhcpcScript);
      return pod.spawn([
        "udhcpc",
        "-f",
        "-R",
        "-i",
        device,
        "-t",
        "5",
        "-T",
        "1",
        "-A",
        "1",
        "-s",
        "/run/udhcpc-script",
      ]);
    },
    // Below a minute's rest it goes from BOUND to REBINDING by itself.
    renew: (process) => process.kill("SIGUSR1"),
    async release(_, process) {
      await process.stop("SIGTERM"); // -R
    },
  },
  dhcpcd: {
    renews: true,
    remembers: true,
    async start(pod) {
      await Deno.mkdir(`${pod.runDirectory}/dhcpcd-db`, { recursive: true });
      await installScript(pod, "dhcpcd-script", dhcpcdScript);
      return pod.spawn(own("/run/dhcpcd-db", "/var/lib/dhcpcd", [...dhcpcd, "-B", device]));
    },
    async release(pod, process) {
      await pod.exec([...dhcpcd, "-k", device]);
      await process.end();
    },
  },
  networkd: {
    renews: true,
    remembers: true,
    start: (pod) => startNetworkd(pod, true),
    async release(pod, process) {
      await process.stop("SIGTERM");
      const other = await startNetworkd(pod, false);
      await other.waitFor(/DHCPv4 address .* acquired/);
      await other.stop("SIGTERM");
    },
  },
  // It has no retransmission, no timers, no memory, and its `sendRenew` and `sendRelease` throw.
  npm: {
    renews: false,
    remembers: false,
    async start(pod) {
      // It listens to its own addresses, of which the offered one is none: what pgw does for itself, too.
      const [address] = [pod.address.v4];
      await pod.iptables(
        4,
        `*nat\n-A PREROUTING -i ${device} -p udp --dport 68 -j DNAT --to-destination ${address}\nCOMMIT\n`,
      );
      await pod.ip(`route add 255.255.255.255/32 dev ${device}`);
      const { stdout } = await pod.exec(["cat", `/sys/class/net/${device}/address`]);
      return pod.spawn(scriptCommand("../interop/dhcp/npm_client_main.ts", stdout.trim(), device));
    },
  },
};

const dhclientFiles = "-cf /run/dhclient.conf -lf /run/dhclient.leases -pf /run/dhclient.pid -sf /run/dhclient-script"
  .split(" ");
const dhcpcd = "dhcpcd -4 --noipv4ll --noarp --config /dev/null --script /run/dhcpcd-script".split(" ");

const dhclientScript = `#!/bin/sh
case "$reason" in
  BOUND|RENEW|REBIND|REBOOT)
    [ -z "$old_ip_address" ] || [ "$old_ip_address" = "$new_ip_address" ] || ip addr flush dev "$interface"
    ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface" ;;
  EXPIRE|FAIL|RELEASE|STOP|PREINIT) ip addr flush dev "$interface" ;;
esac
`;

const udhcpcScript = `#!/bin/sh
case "$1" in
  bound|renew)
    ip -o -4 addr show dev "$interface" | grep -q " $ip/" || ip addr flush dev "$interface"
    ip addr replace "$ip/$mask" dev "$interface" ;;
  deconfig) ip addr flush dev "$interface" ;;
esac
`;

/** It sets the address by itself. */
const dhcpcdScript = "#!/bin/sh\n";

/** @param keeps it begins with the address that it finds (INIT-REBOOT), and leaves it when it ends; else it releases it */
async function startNetworkd(pod: Pod, keeps: boolean): Promise<Process> {
  const directory = `${pod.runDirectory}/systemd`;
  for (const name of ["network", "netif"]) {
    await Deno.mkdir(`${directory}/${name}`, { recursive: true });
  }
  await Deno.writeTextFile(`${directory}/network/tunnel.network`, networkdNetwork(keeps));
  // It becomes this user, whom an ordinary user's lab has not.
  await Deno.writeTextFile(`${pod.runDirectory}/passwd`, "root:x:0:0::/:/bin/sh\nsystemd-network:x:0:0::/:/bin/sh\n");
  await Deno.writeTextFile(`${pod.runDirectory}/group`, "root:x:0:\nsystemd-network:x:0:\n");
  // With a /sys that can be written it waits for udev.
  const prepare = "mount --bind /run/passwd /etc/passwd && mount --bind /run/group /etc/group && " +
    "mount -o remount,ro /sys && exec /lib/systemd/systemd-networkd";
  return pod.spawn(["unshare", "--mount", "--propagation", "private", "sh", "-ec", prepare]);
}

const networkdNetwork = (keeps: boolean) =>
  `[Match]
Name=${device}
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
KeepConfiguration=${keeps ? "dhcp" : "no"}
[DHCPv4]
SendRelease=yes
`;

/** `command` with a directory of the Pod's in place of the machine's. */
function own(directory: string, place: string, command: readonly string[]): readonly string[] {
  // It sets switches of its interface, which a Pod may not.
  const prepare = `umount /proc/sys; mkdir -p ${place} && mount --bind ${directory} ${place} && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", prepare, "sh", ...command];
}
