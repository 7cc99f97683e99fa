import assert from "node:assert/strict";
import { formatIpv4, parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { prefix4 } from "../../../mod/addr/prefix.ts";
import { parseReservations, Reservations } from "../../../mod/dhcp/reservations.ts";

const server = parseIpv4("172.29.0.1");
const network = prefix4(server, 24);
const router = parseIpv4("172.29.0.2");
const parse = (text: string) => parseReservations(text, network, server, router);

Deno.test("reservations: by hardware address, client identifier and host name, with comments", () => {
  const { reservations: parsed, problems } = parse(`
    # the media servers
    172.29.0.100  name=media-0
    172.29.0.101  mac=02:78:0A:2A:00:05   # by its Pod's address
    172.29.0.5\tid=ff:00:01\r
  `);
  assert.deepEqual(problems, []);
  const reservations = new Reservations(parsed);
  const find = (client: { chaddr?: number[]; clientId?: number[]; hostName?: string }) => {
    const address = reservations.find({
      key: "",
      chaddr: Uint8Array.from(client.chaddr ?? [1]),
      ...(client.clientId === undefined ? {} : { clientId: Uint8Array.from(client.clientId) }),
      ...(client.hostName === undefined ? {} : { hostName: client.hostName }),
    });
    return address === undefined ? undefined : formatIpv4(address);
  };
  assert.equal(find({ hostName: "MEDIA-0" }), "172.29.0.100");
  assert.equal(find({ chaddr: [2, 0x78, 10, 0x2a, 0, 5] }), "172.29.0.101");
  assert.equal(find({ clientId: [0xff, 0, 1], hostName: "media-0" }), "172.29.0.5");
  assert.equal(find({ hostName: "media" }), undefined);
  assert.deepEqual([...reservations.addresses()].map(formatIpv4), ["172.29.0.100", "172.29.0.101", "172.29.0.5"]);
});

for (
  const [text, line, problem] of [
    ["172.29.0.5", 1, "write an address and one of mac=, id= or name="],
    ["\n172.29.0.5 name=a b", 2, "write an address and one of mac=, id= or name="],
    ["172.29.0.5 host=a", 1, "'host=a' is not one of mac=, id= or name="],
    ["172.29.0.500 name=a", 1, "'172.29.0.500' is not an IPv4 address"],
    ["172.29.1.5 name=a", 1, "172.29.1.5 is not in 172.29.0.0/24"],
    [
      "172.29.0.1 name=a",
      1,
      "172.29.0.1 cannot be a client's: it is the gateway's, the router's, the network's or the broadcast",
    ],
    [
      "\n172.29.0.2 name=a",
      2,
      "172.29.0.2 cannot be a client's: it is the gateway's, the router's, the network's or the broadcast",
    ],
    [
      "172.29.0.255 name=a",
      1,
      "172.29.0.255 cannot be a client's: it is the gateway's, the router's, the network's or the broadcast",
    ],
    ["172.29.0.5 mac=02:78", 1, "'02:78' is not a MAC address: write six bytes, such as 02:77:ac:1d:00:01"],
    ["172.29.0.5 id=0x01", 1, "'0x01' is not a client identifier: write its bytes, such as 01:02:78:0a"],
    ["172.29.0.5 name=a/b", 1, "'a/b' is not a host name"],
    ["172.29.0.5 name=a\n\n172.29.0.5 name=b", 3, "172.29.0.5 is on line 1 already"],
    ["172.29.0.5 name=a\n172.29.0.6 name=A", 2, "name=A is on line 1 already"],
  ] as const
) {
  Deno.test(`reservations: ${JSON.stringify(text)} is refused at line ${line}`, () => {
    const { problems } = parse(text);
    assert.deepEqual(problems.map((error) => [error.line, error.message]), [[line, `line ${line}: ${problem}`]]);
  });
}

Deno.test("reservations: every wrong line is told, the right ones are there nevertheless", () => {
  const { reservations, problems } = parse("172.29.0.5 name=a\n172.29.0.6\n172.29.0.7 name=b\n172.29.0.7 name=c");
  assert.deepEqual(reservations.map(({ address }) => formatIpv4(address)), ["172.29.0.5", "172.29.0.7"]);
  assert.deepEqual(problems.map(({ line }) => line), [2, 4]);
});
