import assert from "node:assert/strict";
import { formatMac } from "../../../mod/addr/mac.ts";
import { dhcpOptions } from "../../../mod/config/dhcp_options.ts";
import { problemsOf, ValueError } from "../../../mod/config/value_error.ts";

for (
  const [text, code, bytes] of [
    ["42,10.0.0.1,10.0.0.2", 42, "0a:00:00:01:0a:00:00:02"],
    ["option:ntp-server,10.0.0.1", 42, "0a:00:00:01"],
    ["option:default-ttl,64", 23, "40"],
    ["26, 1300", 26, "05:14"],
    ["2,-3600", 2, "ff:ff:f1:f0"],
    ["option:tftp-server,boot.lan", 66, "62:6f:6f:74:2e:6c:61:6e"],
    ['67,"a;b, c"', 67, "61:3b:62:2c:20:63"],
    ["43,01:04:0a:00:00:01", 43, "01:04:0a:00:00:01"],
    ["119,a.b,c", 119, "01:61:01:62:00:01:63:00"],
    ["121,10.0.0.0/8,172.29.0.1,0.0.0.0/0,172.29.0.2", 121, "08:0a:ac:1d:00:01:00:ac:1d:00:02"],
    // What nothing is known of: by its form.
    ["224,10.0.0.1", 224, "0a:00:00:01"],
    ["224,0a:FF", 224, "0a:ff"],
    ["224,7b", 224, "07"],
    ["224,7s", 224, "00:07"],
    ["224,7i", 224, "00:00:00:07"],
    ["224,some text, more", 224, "73:6f:6d:65:20:74:65:78:74:2c:20:6d:6f:72:65"],
    ['224,"7"', 224, "37"],
    ["224,1:a", 224, "01:0a"],
    ["224,/1/2", 224, "2f:31:2f:32"],
    ["224,-1s", 224, "ff:ff"],
    // What dnsmasq writes in a way of its own.
    ["249,10.0.0.0/8,172.29.0.1", 249, "08:0a:ac:1d:00:01"],
    ["249,08:0a:ac:1d:00:01", 249, "08:0a:ac:1d:00:01"],
    ["121,192.168.7.0/24,0.0.0.0", 121, "18:c0:a8:07:00:00:00:00"],
    ["120,10.0.0.1,10.0.0.2", 120, "01:0a:00:00:01:0a:00:00:02"],
    ["option:sip-server,1sip.example", 120, "00:04:31:73:69:70:07:65:78:61:6d:70:6c:65:00"],
    ["33,10.0.0.1,172.29.0.1", 33, "0a:00:00:01:ac:1d:00:01"],
    ["21,10.0.0.0,255.0.0.0", 21, "0a:00:00:00:ff:00:00:00"],
    ["12,10.0.0.1", 12, "31:30:2e:30:2e:30:2e:31"],
    ["43,text", 43, "74:65:78:74"],
    ["47,10.0.0.1", 47, "0a:00:00:01"],
    ["option:client-arch,7", 93, "00:07"],
    ["option:User-Class,01:02", 77, "01:02"],
    ["28", 28, ""],
  ] as const
) {
  Deno.test(`DHCP options: ${text}`, () => {
    assert.deepEqual([...dhcpOptions(text)].map(([code, value]) => [code, formatMac(value)]), [[code, bytes]]);
  });
}

Deno.test("DHCP options: several, parted by semicolons and line ends", () => {
  const options = dhcpOptions("42,10.0.0.1; 252,http://wpad.lan/;\n28\n");
  assert.deepEqual([...options.keys()], [42, 252, 28]);
});

for (
  const [text, problem] of [
    ["42,ntp.lan", /'42,ntp.lan': 'ntp.lan' is not an IPv4 address/],
    ["option:clock,1", /'clock' is not the name of an option/],
    ["ntp-server,10.0.0.1", /'ntp-server' is not an option: write 42,10.0.0.1 or option:ntp-server,10.0.0.1/],
    ["300,1", /'300' is not an option that there is: write a number from 1 to 254/],
    ["255,1", /'255' is not an option that there is/],
    ["0,1", /'0' is not an option that there is/],
    ["option:server-ip-address,10.0.0.1", /'option:server-ip-address' is not an option that there is/],
    ["54,10.0.0.1", /option 54 cannot be set, it is DHCP's own: leave it out/],
    ["option:rapid-commit", /option 80 cannot be set/],
    ["51,60", /option 51 is what PGW_DHCP_LEASE_TIME says: set that instead/],
    ["option:T1,60", /option 58 is what PGW_DHCP_RENEWAL_TIME says/],
    ["option:T2,60", /option 59 is what PGW_DHCP_REBINDING_TIME says/],
    ["option:netmask,255.255.0.0", /option 1 is what PGW_VXLAN_IP_NETWORK says/],
    ["23,256", /'256' is not a number: write one from 0 to 255/],
    ["23,1,2", /'1,2' is not a number: write one from 0 to 255/],
    ['26,"1300"', /'"1300"' is not a number/],
    ['42,"10.0.0.1"', /'"10.0.0.1"' is not an IPv4 address/],
    ["42,0.0.0.0", /'0.0.0.0' is not the gateway's own address here, as it is to dnsmasq: write the address itself/],
    ["224,10.0.0.1,0.0.0.0", /'0.0.0.0' is not the gateway's own address/],
    ["120,0.0.0.0", /'0.0.0.0' is not the gateway's own address/],
    ["33,10.0.0.1", /'10.0.0.1' is not pairs of addresses: write two for each, such as 10.0.0.1,172.29.0.1/],
    ["21,10.0.0.0,255.0.0.0,10.0.0.1", /is not pairs of addresses/],
    ["43,fe80::1", /'fe80::1' is not bytes: write them such as 01:04:0a:00:00:01, or in double quotes if it is text/],
    ["224,7", /'7' is not a number of a certain length: write such as 7b, 7s or 7i .*, or "7" for text/],
    ["224,2026-01-01", /'2026-01-01' is not a number of a certain length/],
    ["224,300b", /'300' is not a number: write one from 0 to 255/],
    ["224,1,2", /'1' is not an IPv4 address/],
    ['66,"boot".lan', /'"boot".lan' is not text: write double quotes around the whole only/],
    ["66,", /the value is empty/],
    ["42,10.0.0.1; option:ntp-server,10.0.0.2", /option 42 is there twice: write all its values in one/],
    ["121,10.0.0.0/8", /'10.0.0.0\/8' has no router behind it: write pairs such as 10.0.0.0\/8,172.29.0.1/],
    [
      "249,10.0.0.1,172.29.0.1",
      /'10.0.0.1' is not an IPv4 network: write an address and a length, such as 10.0.0.0\/8/,
    ],
    ["121,10.0.0.1/8,10.0.0.1", /bits behind the prefix are set/],
    ["119,a..b", /'a..b' is not a host name/],
  ] as const
) {
  Deno.test(`DHCP options: ${text} is refused`, () => {
    assert.throws(() => dhcpOptions(text), problem);
  });
}

Deno.test("DHCP options: all problems at once", () => {
  try {
    dhcpOptions("23,x; 42,1.2.3.4; 43,a:");
    assert.fail("nothing was wrong");
  } catch (error) {
    assert(error instanceof ValueError);
    assert.equal(problemsOf(error).length, 2);
  }
});
