/** The messages of this directory. */

export type GoldenMessage = { readonly program: string; readonly type: string; readonly bytes: Uint8Array };

export const clients = ["dhclient", "dhcpcd", "networkd", "udhcpc"] as const;
export const servers = ["dhcpd", "dnsmasq", "kea", "udhcpd"] as const;
/** A whole dialogue of each: what they say to a renewal, and when they refuse. */
export const serverDialogues = ["lab/dhcpd", "lab/dnsmasq", "lab/kea", "lab/npm-server", "lab/udhcpd"] as const;

export function readGolden(programs: readonly string[]): GoldenMessage[] {
  return programs.flatMap((program) =>
    Deno.readTextFileSync(new URL(`${program}.hex`, import.meta.url)).trim().split("\n").map((line) => {
      const [type = "", hex = ""] = line.split(" ");
      const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
      return { program, type, bytes };
    })
  );
}
