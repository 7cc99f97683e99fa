/** Other people's DHCP servers, each for 172.29.0.20 to .99 with a lease of eight seconds, T1 after two and T2 after four. */
import type { Pod } from "../../lab/pod.ts";
import type { Process } from "../../lab/process.ts";
import { scriptCommand } from "../../lab/program.ts";
import { device } from "./dialogue.ts";
import { installProgram } from "./programs.ts";

export type DhcpServer = {
  /** Starts it on the tunnel's device, with the leases of the run before, and returns when it listens. `more`: settings. */
  start(pod: Pod, more?: string): Promise<Process>;
  /** Refuses an address that is not the client's. */
  readonly refuses: boolean;
  /** What it writes when an address is given back. Absent: it takes no notice. */
  readonly released?: RegExp;
  /** It makes no lease as short as that. */
  readonly longLeases?: boolean;
};

/** Not for the client under test: another one has it, or the server wants the client to keep to its own. */
export const takenAddress = "172.29.0.98";

export const servers: Readonly<Record<"dnsmasq" | "kea" | "dhcpd" | "udhcpd" | "npm", DhcpServer>> = {
  dnsmasq: {
    refuses: true,
    released: /DHCPRELEASE\(vxlan3150\) 172\.29\.0\./,
    longLeases: true, // two minutes at least
    async start(pod) {
      const process = pod.spawn([
        ..."dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --group= --port=0".split(" "),
        ..."--log-facility=- --log-dhcp --no-ping --dhcp-authoritative --dhcp-rapid-commit".split(" "),
        ...`--interface=${device} --bind-interfaces --dhcp-leasefile=/run/dhcp.leases`.split(" "),
        ..."--dhcp-range=172.29.0.20,172.29.0.99,120 --dhcp-option=option:T1,2 --dhcp-option=option:T2,4".split(" "),
      ]);
      await process.waitFor(/IP range/);
      return process;
    },
  },
  kea: {
    refuses: true,
    released: /DHCP4_RELEASE .*172\.29\.0\./,
    async start(pod) {
      await installProgram(pod, "/usr/sbin/kea-dhcp4");
      await Deno.writeTextFile(`${pod.runDirectory}/kea.json`, JSON.stringify(keaConfiguration));
      const process = pod.spawn(["/run/kea-dhcp4", "-c", "/run/kea.json"], {
        env: { KEA_PIDFILE_DIR: "/run", KEA_LOCKFILE_DIR: "none", KEA_LOGGER_DESTINATION: "stdout" },
      });
      await process.waitFor(/DHCP4_STARTED/);
      return process;
    },
  },
  dhcpd: {
    refuses: true,
    released: /DHCPRELEASE of 172\.29\.0\.\d+ .* \(found\)/,
    async start(pod, more = "") {
      await installProgram(pod, "/usr/sbin/dhcpd");
      await Deno.writeTextFile(`${pod.runDirectory}/dhcpd.conf`, `${dhcpdConfiguration}${more}`);
      await Deno.writeTextFile(`${pod.runDirectory}/dhcpd.leases`, dhcpdLease, { append: true });
      const files = "-cf /run/dhcpd.conf -lf /run/dhcpd.leases -pf /run/dhcpd.pid";
      const process = pod.spawn(["/run/dhcpd", "-4", "-f", "-d", ...files.split(" "), device]);
      await process.waitFor(/^Server starting service/);
      return process;
    },
  },
  udhcpd: {
    refuses: true,
    async start(pod) {
      await Deno.writeTextFile(`${pod.runDirectory}/udhcpd.conf`, udhcpdConfiguration);
      await Deno.writeTextFile(`${pod.runDirectory}/udhcpd.leases`, "", { append: true });
      const process = pod.spawn(["udhcpd", "-f", "/run/udhcpd.conf"]);
      await process.waitFor(/started, v/);
      return process;
    },
  },
  npm: {
    refuses: false,
    async start(pod) {
      const process = pod.spawn(scriptCommand("../interop/dhcp/npm_server_main.ts"));
      await process.waitFor(/^listening$/);
      return process;
    },
  },
};

const keaConfiguration = {
  Dhcp4: {
    "interfaces-config": { interfaces: [device], "dhcp-socket-type": "raw" },
    "lease-database": { type: "memfile", persist: true, name: "/run/kea.leases" },
    "valid-lifetime": 8,
    "renew-timer": 2,
    "rebind-timer": 4,
    authoritative: true,
    subnet4: [{
      subnet: "172.29.0.0/24",
      pools: [{ pool: "172.29.0.20 - 172.29.0.99" }],
      "option-data": [{ name: "routers", data: "172.29.0.1" }, { name: "domain-name-servers", data: "172.29.0.1" }],
    }],
    loggers: [{ name: "kea-dhcp4", output_options: [{ output: "stdout" }], severity: "INFO" }],
  },
};

const dhcpdConfiguration = `
authoritative;
ping-check false;
default-lease-time 8;
max-lease-time 8;
option dhcp-renewal-time 2;
option dhcp-rebinding-time 4;
subnet 172.29.0.0 netmask 255.255.255.0 {
  range 172.29.0.20 172.29.0.99;
  option routers 172.29.0.1;
  option domain-name-servers 172.29.0.1;
}
`;

/** A free address it would let a client have. */
const dhcpdLease = `
lease ${takenAddress} {
  starts epoch 1700000000;
  ends never;
  binding state active;
  hardware ethernet 02:00:00:00:00:01;
}
`;

const udhcpdConfiguration = `
start 172.29.0.20
end 172.29.0.99
interface ${device}
lease_file /run/udhcpd.leases
pidfile /run/udhcpd.pid
auto_time 1
min_lease 1
option lease 8
option 58 00000002
option 59 00000004
option subnet 255.255.255.0
option router 172.29.0.1
option dns 172.29.0.1
`;
