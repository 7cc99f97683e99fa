/** A steady stream of datagrams through whatever way there is, and when it did not flow. */
import type { Namespace } from "../lab/namespace.ts";
import type { Pod } from "../lab/pod.ts";
import type { Process } from "../lab/process.ts";
import { scriptCommand } from "../lab/program.ts";
import { internet } from "../lab/topology.ts";

/** `source`: what the internet saw; times are milliseconds since 1970. */
export type Answer = {
  readonly number: number;
  readonly source: string;
  readonly sentAt: number;
  readonly receivedAt: number;
};

export type StreamLine = { readonly first: Answer } | { readonly sent: number; readonly answers: readonly Answer[] };

/** The app had no answers to what it sent in between. */
export type Outage = {
  readonly ms: number;
  readonly before: Answer;
  readonly after: Answer;
};

const echoPort = "7008";

/** Starts what answers the streams; once a lab. */
export async function startEcho(internetHost: Namespace): Promise<void> {
  await internetHost.spawn(scriptCommand("../bench/echo_main.ts", internet.web.v4, echoPort)).waitFor(/^ready$/);
}

export class Stream {
  private constructor(readonly process: Process) {}

  static async start(pod: Pod, intervalMs: number): Promise<Stream> {
    const command = scriptCommand("../bench/stream_main.ts", internet.web.v4, echoPort, String(intervalMs));
    const stream = new Stream(pod.spawn(command));
    await stream.process.waitFor(/^ready$/);
    return stream;
  }

  /** The first answer that the internet sent to `source`. */
  async waitForSource(source: string, timeoutMs = 60_000): Promise<Answer> {
    const isIt = (line: StreamLine) => "first" in line && line.first.source === source;
    const record = await this.process.waitForLog((record) => isIt(record as StreamLine), { timeoutMs });
    return (record as { readonly first: Answer }).first;
  }

  /** Ends it; what was sent and answered, in the order of sending. */
  async stop(): Promise<{ readonly sent: number; readonly answers: readonly Answer[] }> {
    await this.process.stop("SIGTERM");
    const line = this.process.logs.find((record) => "answers" in record);
    if (line === undefined) throw new Error(`the stream told nothing:\n${this.process.output}`);
    const { sent, answers } = line as Extract<StreamLine, { answers: unknown }>;
    return { sent, answers: answers.toSorted((a, b) => a.number - b.number) };
  }
}

/** The longest time between two datagrams that were answered, with none between them that was. */
export function longestOutage(answers: readonly Answer[]): Outage {
  const outages = answers.slice(1).map((after, index) => {
    const before = answers[index]!;
    return { ms: after.sentAt - before.sentAt, before, after };
  });
  const longest = outages.reduce<Outage | undefined>(
    (longest, outage) => longest === undefined || outage.ms > longest.ms ? outage : longest,
    undefined,
  );
  if (longest === undefined) throw new Error("the stream had no two answers");
  return longest;
}
