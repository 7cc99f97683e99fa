import assert from "node:assert/strict";
import { main, type Roles } from "../../../mod/cli/main.ts";
import { fakeIo } from "./fake_io.ts";

const roles: Roles = {
  runGateway: () => Promise.reject(new Error("not a role")),
  runClient: () => Promise.reject(new Error("not a role")),
};

const answered = {
  name: "www.example.com",
  type: "A",
  route: "outside",
  upstreams: ["203.0.113.53", "203.0.113.54"],
  cache: "absent",
  answeredBy: "203.0.113.53",
  tookMs: 3.25,
  status: "NOERROR",
  answers: [{ name: "www.example.com.", ttlSeconds: 300, type: "A", data: "203.0.113.80" }],
};

const json = (value: unknown) => ({ status: 200, body: `${JSON.stringify(value)}\n` });

Deno.test("dns query on a gateway: what the forwarder tells", async () => {
  const answers = { "/v1/status": json({ role: "gateway" }), "/v1/dns/www.example.com/A": json(answered) };
  const io = fakeIo({ answers });
  assert.equal(await main(["dns", "query", "www.example.com"], roles, io), 0);
  assert.deepEqual(io.out, [`name         www.example.com
type         A
route        outside
upstreams    203.0.113.53, 203.0.113.54
cache        absent
answered by  203.0.113.53
took         3.3 ms
status       NOERROR
answers:
  name              ttl    type  data
  www.example.com.  5 min  A     203.0.113.80`]);
  assert.equal(await main(["dns", "query", "--json", "www.example.com"], roles, io), 0);
  assert.deepEqual(JSON.parse(io.out[1]!), answered);
});

Deno.test("dns query: a failure is one", async () => {
  const failed = {
    ...answered,
    status: "SERVFAIL",
    remark: "not ready: the VPN interface 'tun0' is down",
    answers: [],
  };
  const answers = { "/v1/status": json({ role: "gateway" }), "/v1/dns/www.example.com/AAAA": json(failed) };
  const io = fakeIo({ answers });
  assert.equal(await main(["dns", "query", "--type", "aaaa", "www.example.com"], roles, io), 1);
  assert.match(io.out[0]!, /remark {7}not ready: the VPN interface 'tun0' is down/);
});

Deno.test("dns query on a client: what an application is told", async () => {
  const io = fakeIo({
    answers: { "/v1/status": json({ role: "client" }) },
    askNameserver: (question) => {
      const message = question.slice();
      message[2] = 0x81;
      message[3] = 0x83;
      return Promise.resolve({ nameserver: "10.43.0.10", message, tookMs: 2 });
    },
  });
  assert.equal(await main(["dns", "query", "nowhere.example.com"], roles, io), 0);
  assert.match(io.out[0]!, /^nameserver {2}10\.43\.0\.10\ntook {8}2 ms\nstatus {6}NXDOMAIN\n/);
});

Deno.test("dns query: what is no name and no type", async () => {
  const io = fakeIo();
  assert.equal(await main(["dns", "query", "a..b"], roles, io), 2);
  assert.equal(await main(["dns", "query", "--type", "NONSENSE", "a.b"], roles, io), 2);
  assert.deepEqual(io.asked, []);
});
