import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIpv4, parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { hostAddress, prefix4 } from "../../../mod/addr/prefix.ts";
import { forwardProblems, parseNatFile, portForward } from "../../../mod/config/port_forward.ts";
import { problemsOf, ValueError } from "../../../mod/config/value_error.ts";
import type { PortForward } from "../../../mod/netstate/port_forward.ts";
import { PgwError } from "../../../mod/errors.ts";

const network = prefix4(parseIpv4("172.29.0.0"), 24);

function show({ protocol, ports, client, toPort }: PortForward): string {
  const last = ports.last === ports.first ? "" : `-${ports.last}`;
  const to = client.kind === "address" ? formatIpv4(client.address) : client.name;
  const fallback = client.kind === "name" && client.fallback !== undefined ? ` or ${formatIpv4(client.fallback)}` : "";
  return `${protocol} ${ports.first}${last} to ${to}${fallback}${toPort === undefined ? "" : ` port ${toPort}`}`;
}

function problems(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    assert(error instanceof ValueError);
    return problemsOf(error);
  }
  return [];
}

Deno.test("PGW_PORT_FORWARDS: protocols, ranges, names and addresses, other ports", () => {
  assert.deepEqual(portForward("tcp:18289=Transmission").map(show), ["tcp 18289 to transmission"]);
  assert.deepEqual(portForward("29206=plex:32400").map(show), [
    "tcp 29206 to plex port 32400",
    "udp 29206 to plex port 32400",
  ]);
  assert.deepEqual(portForward("udp:5000-5010=172.29.0.10").map(show), ["udp 5000-5010 to 172.29.0.10"]);
});

Deno.test("PGW_PORT_FORWARDS: what is wrong is told", () => {
  for (
    const [text, problem] of [
      ["18289", /is not a port forward/],
      ["sctp:1=a", /is not a port forward/],
      ["tcp:0=a", /'0' is not a port/],
      ["tcp:70000=a", /'70000' is not a port/],
      ["tcp:10-9=a", /end before they begin/],
      ["tcp:10-12=a:20", /keeps its numbers/],
      ["tcp:10=a.b", /without dots/],
      ["tcp:10=-j", /neither an address nor/],
      ["tcp:10=a b", /neither an address nor/],
    ] as const
  ) assert.match(problems(() => portForward(text)).join("\n"), problem, text);
});

Deno.test("PGW_NAT_FILE: the file of angelnu/pod-gateway, and other ports for the client", () => {
  const text = [
    "# hostname IP ports(coma separated)",
    "",
    "transmission 10 tcp:18289,udp:18289",
    "plex 172.29.0.11   tcp:29206:32400\r",
  ].join("\n");
  assert.deepEqual(parseNatFile(text, network).map(show), [
    "tcp 18289 to transmission or 172.29.0.10",
    "udp 18289 to transmission or 172.29.0.10",
    "tcp 29206 to plex or 172.29.0.11 port 32400",
  ]);
});

Deno.test("PGW_NAT_FILE: each wrong line is told with its number", () => {
  assert.deepEqual(
    problems(() => parseNatFile("a 10\na 300 tcp:1\nb 10 1234\nc_; 10 tcp:1\nd 10 tcp:0\ne 10 tcp:1 more", network))
      .map((problem) => problem.split(":")[0]),
    ["line 1", "line 2", "line 3", "line 4", "line 5", "line 6"],
  );
});

Deno.test("a port leads to one client, and that is in the network", () => {
  const gateway = hostAddress(network, 1);
  const all = [
    "tcp:100-200=a",
    "udp:150=a",
    "tcp:150=b",
    "tcp:1=172.29.0.1",
    "tcp:2=10.0.0.1",
    "tcp:3=172.29.0.0",
    "tcp:4=172.29.0.255",
    "tcp:5=172.29.0.254",
  ].flatMap(portForward);
  assert.deepEqual(forwardProblems(all, network, gateway).map((problem) => problem.slice(0, 30)), [
    "'tcp:150' is forwarded twice: ",
    "'tcp:1' does not lead to a cli",
    "'tcp:2' does not lead to a cli",
    "'tcp:3' does not lead to a cli",
    "'tcp:4' does not lead to a cli",
  ]);
});

Deno.test("whatever is written, it is a forward of plain words, or told to be wrong", () => {
  const word = fc.string({ unit: fc.constantFrom(..."tcpud:=-,. \n\t0123456789azAZ_;|`$'\"/\\\0é") });
  fc.assert(
    fc.property(fc.oneof(word, word.map((text) => `tcp:1=${text}`), word.map((text) => `${text} 1 tcp:1`)), (text) => {
      for (const parse of [() => portForward(text), () => parseNatFile(text, network)]) {
        try {
          for (const forward of parse()) {
            assert.match(show(forward), /^(tcp|udp) [0-9-]+ to [a-z0-9.-]+( or [0-9.]+)?( port \d+)?$/);
          }
        } catch (error) {
          assert(error instanceof PgwError, `${error}`);
        }
      }
    }),
  );
});
