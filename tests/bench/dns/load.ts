/** dnsperf, and what it says. */
import type { Namespace } from "../../lab/namespace.ts";

export type Load = {
  readonly server: string;
  /** A file of questions. */
  readonly questions: string;
  readonly seconds: number;
  /** Questions outstanding at most. */
  readonly outstanding?: number;
  readonly perSecond?: number;
  /** Each question of the file once. */
  readonly once?: boolean;
};

export type LoadResult = { readonly rate: number; readonly lost: number; readonly answered: number };

/** As fast as answers come. */
export async function load(client: Namespace, options: Load): Promise<LoadResult> {
  const { stdout } = await client.exec(["dnsperf", ...argumentsOf(options)], { timeoutMs: 120_000 });
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1]);
  return {
    rate: number(/Queries per second:\s+([\d.]+)/),
    lost: number(/Queries lost:\s+(\d+)/),
    answered: number(/NOERROR (\d+)/) || 0,
  };
}

/** Milliseconds of each answer. */
export async function latencies(client: Namespace, options: Load): Promise<readonly number[]> {
  // To a file: who reads along takes processor time from those who are measured.
  const path = `${options.questions}.out`;
  const script = ["sh", "-c", `exec "$@" >${path}`, "sh", "dnsperf", "-v", ...argumentsOf(options)];
  await client.exec(script, { timeoutMs: 120_000 });
  const lines = Deno.readTextFileSync(path).matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm);
  return Array.from(lines, ([, seconds]) => Number(seconds) * 1_000);
}

function argumentsOf({ server, questions, seconds, outstanding = 200, perSecond, once }: Load): string[] {
  const length = once ? ["-n", "1"] : ["-l", String(seconds)];
  const pace = perSecond === undefined ? [] : ["-Q", String(Math.round(perSecond))];
  const clients = String(Math.min(8, outstanding));
  return ["-s", server, "-d", questions, ...length, ...pace, "-c", clients, "-q", String(outstanding), "-t", "2"];
}
