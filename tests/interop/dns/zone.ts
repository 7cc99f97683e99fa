/** A zone with what an answer can be made of: all common types, chains, wildcards, absences, and answers of all sizes. */

/** Its text for `origin`, such as `d.test.`. */
export function zoneText(origin: string): string {
  return `
$ORIGIN ${origin}
$TTL 300
@       SOA   ns host 1 3600 600 86400 60
@       NS    ns
@       MX    10 mail
@       TXT   "v=spf1 -all" "second string"
@       CAA   0 issue "ca.example.net"
@       HTTPS 1 . alpn="h2" ipv4hint=203.0.113.80
ns      A     203.0.113.53
www     A     203.0.113.80
www     A     203.0.113.81
www     AAAA  2001:db8::80
mail    A     203.0.113.25
one     CNAME two
two     CNAME three
three   CNAME www
lost    CNAME nowhere
*.wild  A     203.0.113.99
_sip._udp SRV 1 2 5060 mail
host    SSHFP 4 2 ${"ab".repeat(32)}
_443._tcp TLSA 3 1 1 ${"cd".repeat(32)}
naptr   NAPTR 1 1 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .
ptr     PTR   www
sub     DNAME other
www.other A   203.0.113.44
odd\\.label A   203.0.113.7
private A     10.1.2.3
${Array.from({ length: 20 }, (_, index) => `long TXT "${String(index).padEnd(120, "x")}"`).join("\n")}
${Array.from({ length: 238 }, (_, index) => `huge TXT "${String(index).padEnd(250, "x")}"`).join("\n")}
`;
}

/** Questions about it: name below the origin, `@` for the origin itself, and type. */
export const questions: readonly (readonly [name: string, type: string])[] = [
  ["www", "A"],
  ["www", "AAAA"],
  ["WwW", "A"],
  ["@", "MX"],
  ["@", "TXT"],
  ["@", "SOA"],
  ["@", "NS"],
  ["@", "CAA"],
  ["@", "HTTPS"],
  ["_sip._udp", "SRV"],
  ["host", "SSHFP"],
  ["_443._tcp", "TLSA"],
  ["naptr", "NAPTR"],
  ["ptr", "PTR"],
  ["one", "A"],
  ["one", "CNAME"],
  ["lost", "A"],
  ["anything.wild", "A"],
  ["www.sub", "A"],
  ["odd\\.label", "A"],
  ["nowhere", "A"],
  ["www", "MX"],
  ["long", "TXT"],
  ["huge", "TXT"],
  ["www", "TYPE65400"],
];

/** The whole name of a question's name. */
export function nameIn(origin: string, name: string): string {
  return name === "@" ? origin : `${name}.${origin}`;
}
