import { fuzzDns } from "./dns.ts";

Deno.test("a million mutated DNS messages: nothing throws, hangs or grows", () => {
  fuzzDns(1_000_000, Date.now() % 1_000_000);
});
