import { HttpError, httpGet } from "../http_get.ts";

/** The `pgw` that runs in this Pod, by its own words. */
export type RunningPgw = {
  readonly role: "gateway" | "client";
  readonly isWell: boolean;
  readonly detail: string;
  readonly remedy: string;
};

const hostname = "127.0.0.1";
const timeoutMs = 2_000;

/** `undefined`: nobody answers on `port` as a `pgw` does. */
export async function runningPgw(port: number): Promise<RunningPgw | undefined> {
  try {
    const status = await httpGet({ hostname, port, path: "/v1/status", timeoutMs });
    const { role, state } = JSON.parse(status.body);
    if (role !== "gateway" && role !== "client") return undefined;
    const ready = await httpGet({ hostname, port, path: "/readyz", timeoutMs });
    const words = ready.body.trim();
    return {
      role,
      isWell: ready.status === 200,
      detail: `a ${role} runs here, ${state}${ready.status === 200 ? "" : `: ${words}`}`,
      remedy: "what it says here is what it waits for; `pgw status` shows how it came about",
    };
  } catch (error) {
    if (error instanceof HttpError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
