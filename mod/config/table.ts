/** The table of all settings: variables, flags, help, README and errors are made from it and nowhere else. */

import { parseHealthTarget } from "../health/target.ts";
import { dhcpTable } from "./dhcp_table.ts";
import { dnsTable } from "./dns_table.ts";
import { portForward } from "./port_forward.ts";
import { parseService } from "./service.ts";
import type { Setting, Table } from "./setting.ts";
import {
  hostAddressPrefix,
  interfaceName,
  interfaceNameOrAuto,
  ipv4Address,
  listOf,
  localPrefixes,
  oneOf,
  overlayNetwork,
  port,
  secondsAsMs,
  wholeNumber,
  wordOr,
} from "./values.ts";
import { vpnEndpoint } from "./vpn_endpoint.ts";

const logLevels = ["debug", "info", "warn", "error"] as const;
const logTransports = ["console", "file"] as const;
const logFormats = ["auto", "json", "pretty"] as const;
const dnsModes = ["auto", "require", "off"] as const;
const foreignDnsModes = ["redirect", "reject"] as const;
const switches = ["on", "off"] as const;

/** Settings of both roles. */
export const commonTable = {
  logLevel: {
    variable: "PGW_LOG_LEVEL",
    metavar: "LEVEL",
    help: "The least important kind of message that is logged: debug, info, warn or error.",
    choices: logLevels,
    default: "error",
    parse: oneOf(logLevels),
  },
  logTransports: {
    variable: "PGW_LOG_TRANSPORTS",
    metavar: "LIST",
    help: "Where the log goes: console (standard error), file, or both.",
    choices: logTransports,
    default: "console",
    parse: listOf(oneOf(logTransports)),
  },
  logFilePath: {
    variable: "PGW_LOG_FILE_PATH",
    metavar: "PATH",
    help: "The file that the log is appended to when it goes to a file.",
    unset: "none",
    parse: (text: string) => text,
  },
  logFormat: {
    variable: "PGW_LOG_FORMAT",
    metavar: "FORMAT",
    help:
      "How the console shows messages: json (one object a line), pretty, or auto (pretty at a terminal, else json).",
    choices: logFormats,
    default: "auto",
    parse: oneOf(logFormats),
  },
  vxlanNetwork: {
    variable: "PGW_VXLAN_IP_NETWORK",
    metavar: "NETWORK",
    help: "The network inside the tunnel: three octets, or a CIDR from /16 to /29. Its first host is the gateway.",
    default: "172.29.0",
    parse: overlayNetwork,
  },
  localCidrs: {
    variable: "PGW_LOCAL_CIDRS",
    metavar: "CIDRS",
    help: "Networks, IPv4 or IPv6, that are reached around the tunnel. The word none: no network is.",
    default: "192.168.0.0/16 10.0.0.0/8",
    parse: localPrefixes,
  },
  vxlanId: {
    variable: "PGW_VXLAN_ID",
    metavar: "NUMBER",
    help: "The VXLAN network identifier (VNI).",
    default: "3150",
    parse: wholeNumber("a VXLAN id", 1, 2 ** 24 - 1),
  },
  vxlanPort: {
    variable: "PGW_VXLAN_PORT",
    metavar: "PORT",
    help: "The UDP port of the tunnel. Choose another where the network drops 4789, as Calico does by default.",
    default: "4789",
    parse: port,
  },
  vxlanDevice: {
    variable: "PGW_VXLAN_DEVICE",
    metavar: "NAME",
    help: "The name of the tunnel's network interface.",
    default: "vxlan3150",
    parse: interfaceName,
  },
  uplink: {
    variable: "PGW_INTERFACE",
    metavar: "NAME",
    help: "The Pod's own network interface. The word auto: the one that the default route names, never the VPN's.",
    default: "auto",
    parse: interfaceNameOrAuto,
  },
  httpPort: {
    variable: "PGW_HTTP_PORT",
    metavar: "PORT",
    help: "The port that answers clients, health probes, status and metrics (TCP), and the tunnel's own probe (UDP).",
    default: "3150",
    parse: port,
  },
  stateDir: {
    variable: "PGW_STATE_DIR",
    metavar: "PATH",
    help: "The directory for what must outlive a restart.",
    default: "/var/lib/pgw",
    parse: (text: string) => text,
  },
} as const satisfies Table;

/** Settings of a gateway alone. */
export const gatewayTable = {
  vpnInterface: {
    variable: "PGW_VPN_INTERFACE",
    metavar: "NAME",
    help: "The one interface through which clients' traffic may leave.",
    unset: "whichever the routes say",
    parse: interfaceName,
  },
  vpnEndpoints: {
    variable: "PGW_VPN_ENDPOINT",
    metavar: "LIST",
    help:
      "Where the VPN connects to, as HOST, HOST:PORT/udp or *:PORT/udp: the only way around the VPN for what the Pod itself sends.",
    unset: "what the VPN's routes show while it stands, anything before",
    parse: listOf(vpnEndpoint),
  },
  snatAddress: {
    variable: "PGW_SNAT_ADDRESS",
    metavar: "ADDRESS",
    help: "The address that clients' traffic leaves with.",
    unset: "that of the interface it leaves by (masquerade)",
    parse: ipv4Address,
  },
  portForwards: {
    variable: "PGW_PORT_FORWARDS",
    metavar: "LIST",
    help:
      "Ports of the VPN's address that lead to clients by host name or address: tcp:18289=transmission, 29206=plex:32400.",
    unset: "none",
    parse: (text: string) => listOf(portForward)(text).flat(),
  },
  natFile: {
    variable: "PGW_NAT_FILE",
    metavar: "PATH",
    help: "More port forwards, in a file of the format of angelnu/pod-gateway's nat.conf. It is read at the start.",
    unset: "none",
    parse: (text: string) => text,
  },
  clientIsolation: {
    variable: "PGW_CLIENT_ISOLATION",
    metavar: "SWITCH",
    help:
      "Whether clients are kept from the gateway Pod's ports, its node, the cloud's metadata, and each other: on or off.",
    choices: switches,
    default: "on",
    parse: oneOf(switches),
  },
  nodeAddresses: {
    variable: "PGW_NODE_ADDRESS",
    metavar: "LIST",
    help: "Addresses of the node, which clients are kept from beside the Pod's router: status.hostIP, for example.",
    unset: "none",
    parse: listOf(hostAddressPrefix),
  },
  ...dnsTable,
  ...dhcpTable,
  maxClients: {
    variable: "PGW_MAX_CLIENTS",
    metavar: "NUMBER",
    help:
      "With so many clients the gateway says that it is full: others go to another one of the Service's, and come here only if there is none.",
    unset: "as many as there are addresses",
    parse: wholeNumber("a number of clients", 1, 2 ** 24),
  },
  drainMs: {
    variable: "PGW_DRAIN_TIME",
    metavar: "SECONDS",
    help:
      "How long a gateway that is told to stop goes on for clients that have not found another one; it ends sooner when all have. Decimals are allowed.",
    default: "10",
    parse: secondsAsMs(0, 3600),
  },
  clientTraffic: {
    variable: "PGW_CLIENT_TRAFFIC",
    metavar: "SWITCH",
    help:
      "Whether /metrics tells bytes and packets of each client, up to 1,024 of them; needs nf_tables in the kernel.",
    choices: switches,
    default: "on",
    parse: oneOf(switches),
  },
  healthTargets: {
    variable: "PGW_HEALTH_TARGETS",
    metavar: "LIST",
    help:
      "Who must answer through the VPN, one of them at least: icmp://ADDRESS, tcp://ADDRESS:PORT or dns://ADDRESS[:PORT].",
    unset: "nobody is asked",
    parse: listOf(parseHealthTarget),
  },
  healthIntervalMs: {
    variable: "PGW_HEALTH_INTERVAL",
    metavar: "SECONDS",
    help: "Time between two checks of the DNS upstreams and of PGW_HEALTH_TARGETS; after a miss it is half a second.",
    default: "5",
    parse: secondsAsMs(0.1, 3600),
  },
} as const satisfies Table;

/** Settings of a client alone. */
export const clientTable = {
  service: {
    variable: "PGW_CLIENT_SERVICE",
    metavar: "SERVICE",
    help: "Where to ask for a gateway: a host name, an address or an http URL, with a port if it is not 80.",
    argument: true,
    required: "name the gateway's Service, as in `pgw client run gateway.vpn.svc.cluster.local`",
    parse: parseService,
  },
  pingIntervalMs: {
    variable: "PGW_CLIENT_PING_INTERVAL",
    metavar: "SECONDS",
    help:
      "Time between two checks of the gateway; decimals are allowed. The word fast means 0.3, with which a crashed gateway is left in under a second.",
    default: "10",
    parse: wordOr("fast", 300, secondsAsMs(0.05, 3600)),
  },
  pingMisses: {
    variable: "PGW_CLIENT_PING_MISSES",
    metavar: "NUMBER",
    help: "How many checks in a row may fail before the gateway is given up.",
    default: "3",
    parse: wholeNumber("a number of checks", 1, 1000),
  },
  dns: {
    variable: "PGW_CLIENT_DNS",
    metavar: "MODE",
    help:
      "The Pod's /etc/resolv.conf: auto points it at the gateway if it can, require fails if it cannot, off leaves it.",
    choices: dnsModes,
    default: "auto",
    parse: oneOf(dnsModes),
  },
  foreignDns: {
    variable: "PGW_CLIENT_FOREIGN_DNS",
    metavar: "MODE",
    help:
      "What becomes of applications' DNS questions to any server but the gateway's: redirect leads them there, reject refuses them.",
    choices: foreignDnsModes,
    default: "redirect",
    parse: oneOf(foreignDnsModes),
  },
} as const satisfies Table;

/** All settings of a gateway, in the order of help. */
export const gatewaySettings = { ...commonTable, ...gatewayTable };
/** All settings of a client, in the order of help. */
export const clientSettings = { ...clientTable, ...commonTable };
/** All settings, for what looks at either role: SERVICE need not be named. */
export const doctorSettings = {
  ...clientTable,
  ...gatewaySettings,
  service: {
    variable: "PGW_CLIENT_SERVICE",
    metavar: "SERVICE",
    help: "A gateway's Service, to be looked at from here before there is a client.",
    argument: true,
    unset: "none is looked at",
    parse: parseService,
  },
} as const satisfies Table;
/** Every setting there is. */
export const allSettings: readonly Setting<unknown>[] = Object.values({
  ...commonTable,
  ...gatewayTable,
  ...clientTable,
});
