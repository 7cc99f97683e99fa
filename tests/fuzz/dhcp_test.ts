import { fuzzDhcp } from "./dhcp.ts";

Deno.test("a million damaged DHCP messages: nothing throws, hangs or grows, and every field is reached", () => {
  fuzzDhcp(1_000_000, Date.now() % 1_000_000);
});
