/** Many questions by one run of `dig` or `kdig`, and what does not depend on whom they were asked of. */
import type { Namespace } from "../../lab/namespace.ts";

export type Seen = {
  readonly status: string;
  /** Without TTL, in lower case, in any order. */
  readonly records: readonly string[];
  /** `qr tc rd ra cd`, those that are set. */
  readonly flags: string;
};

export type Question = { readonly name: string; readonly type: string; readonly options: readonly string[] };

/** Asks `server` all `questions`, and returns what came for each of them. */
export async function askAll(
  program: "dig" | "kdig",
  from: Namespace,
  server: string,
  questions: readonly Question[],
): Promise<readonly Seen[]> {
  const patience = program === "dig" ? ["+time=5", "+tries=1"] : ["+time=5", "+retry=0"];
  const args = questions.flatMap(({ name, type, options }) => [
    `@${server}`,
    ...["+noall", "+header", "+comments", "+answer", ...patience].filter((word) =>
      program === "kdig" || word !== "+header"
    ),
    ...options,
    "-q",
    name,
    "-t",
    type,
  ]);
  const { stdout, stderr } = await from.exec([program, ...args], { check: false, timeoutMs: 60_000 });
  const parts = stdout.split(/^;; (?:->>HEADER<<-|Got answer:\n;; ->>HEADER<<-)/m).slice(1);
  if (parts.length !== questions.length) {
    throw new Error(`${program}: ${parts.length} answers to ${questions.length} questions:\n${stdout}${stderr}`);
  }
  return parts.map(read);
}

function read(text: string): Seen {
  const records = text.split("\n").filter((line) => /^[^;\s]/.test(line) && / IN /.test(line.replace(/\s+/g, " ")))
    .map((line) => line.replace(/\s+\d+\s+IN\s+/, " IN ").replace(/\s+/g, " ").trim().toLowerCase()).sort();
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? text,
    flags: (/[Ff]lags: ([^;]*);/.exec(text)?.[1] ?? "").trim().toLowerCase(),
    records,
  };
}
