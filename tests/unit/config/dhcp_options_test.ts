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
    ["224,some text, more", 224, "73:6f:6d:65:20:74:65:78:74:2c:6d:6f:72:65"],
    ['224,"7"', 224, "37"],
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
    ["256,1", /option 256 cannot be set/],
    ["54,10.0.0.1", /option 54 cannot be set: it is DHCP's own/],
    ["51,60", /option 51 cannot be set/],
    ["1,255.255.0.0", /option 1 cannot be set/],
    ["23,256", /'256' is not a number from 0 to 255/],
    ["23,1,2", /it has one value only/],
    ["43,xyz", /'xyz' is not bytes/],
    ["224,7", /say how long the number is: 7b, 7s or 7i/],
    ["224,300b", /'300' is not a number from 0 to 255/],
    ["66,", /the value is empty/],
    ["42,10.0.0.1; option:ntp-server,10.0.0.2", /option 42 is there twice/],
    ["121,10.0.0.0/8", /'' is not an IPv4 address/],
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
    dhcpOptions("23,x; 42,1.2.3.4; 43,y");
    assert.fail("nothing was wrong");
  } catch (error) {
    assert(error instanceof ValueError);
    assert.equal(problemsOf(error).length, 2);
  }
});
