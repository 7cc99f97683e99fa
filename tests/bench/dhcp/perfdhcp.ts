/** perfdhcp (Debian: kea-admin) as the load, and what it prints as numbers. */
import { type DhcpWorld, overlay } from "./world.ts";

export type Load = {
  /** Four-way exchanges that are begun each second, each by a client chosen by chance. */
  readonly rate: number;
  /** Renewals that are asked for each second, besides. */
  readonly renewals?: number;
  readonly seconds: number;
  /** How many clients there are. */
  readonly clients: number;
};

export type Result = {
  /** Exchanges, or renewals, that were completed each second. */
  readonly completed: number;
  readonly renewed: number;
  /** The part of the messages that was not answered within a second. */
  readonly lost: number;
  /** Milliseconds from each message to its answer. */
  readonly delays: readonly number[];
};

/** The lowest MAC address of perfdhcp's clients; they are numbered from it. */
export const firstMac = 0x000c01020304;

export async function perfdhcp(world: DhcpWorld, { rate, renewals = 0, seconds, clients }: Load): Promise<Result> {
  const options = ["-4", "-l", overlay.device, "-r", rate, "-R", clients, "-p", seconds, "-W", 300_000, "-x", "t"];
  const renew = renewals === 0 ? [] : ["-f", renewals];
  const { stdout } = await world.load.exec(["perfdhcp", ...[...options, ...renew].map(String), overlay.server], {
    // It fails when a single exchange was not completed.
    check: false,
    timeoutMs: (seconds + 20) * 1000,
  });
  const sections = stdout.split("***Statistics for: ").slice(1).map((text) => {
    const number = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? NaN);
    return {
      name: text.slice(0, text.indexOf("***")),
      sent: number("sent packets"),
      received: number("received packets"),
    };
  });
  const received = (name: string) => sections.find((section) => section.name === name)?.received ?? 0;
  const sent = sections.reduce((sum, section) => sum + section.sent, 0);
  const answered = sections.reduce((sum, section) => sum + section.received, 0);
  return {
    completed: received("REQUEST-ACK") / seconds,
    renewed: received("REQUEST-ACK (renewal)") / seconds,
    lost: sent === 0 ? 1 : 1 - answered / sent,
    delays: Array.from(stdout.matchAll(/^sent \/ received: (\S+) \/ (\S+)$/gm), ([, sentAt, receivedAt]) => {
      return 1000 * (Number(receivedAt) - Number(sentAt));
    }),
  };
}
