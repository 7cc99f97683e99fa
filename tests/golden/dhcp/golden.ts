/** The messages of this directory. */

export type GoldenMessage = {
  readonly program: string;
  readonly type: string;
  /** Of a DHCPREQUEST: which of those it is that belong to no offer (RFC 2131 section 4.3.2). */
  readonly state?: string;
  readonly bytes: Uint8Array;
};

export const clients = ["dhclient", "dhcpcd", "networkd", "udhcpc"] as const;
export const servers = ["dhcpd", "dnsmasq", "kea", "udhcpd"] as const;
/** A whole dialogue of each: what they say to a renewal, and when they refuse. */
export const serverDialogues = ["lab/dhcpd", "lab/dnsmasq", "lab/kea", "lab/npm-server", "lab/udhcpd"] as const;
/** What the clients say once they have an address: to keep it, and to be rid of it. */
export const clientDialogues = ["lab/dhclient", "lab/dhcpcd", "lab/networkd", "lab/udhcpc"] as const;

export function readGolden(programs: readonly string[]): GoldenMessage[] {
  return programs.flatMap((program) =>
    Deno.readTextFileSync(new URL(`${program}.hex`, import.meta.url)).trim().split("\n").map((line) => {
      const [what = "", hex = ""] = line.split(" ");
      const [type = "", state] = what.split(":");
      const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
      return { program, type, ...(state === undefined ? {} : { state }), bytes };
    })
  );
}
