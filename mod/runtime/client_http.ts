/** What a client tells over HTTP: `pgw health` and `pgw status` ask it, and so may a kubelet. */

import { type ClientState, isReady } from "../role/client.ts";
import type { ClientHistory } from "../health/client_history.ts";
import { type HttpHandler, type HttpReply, jsonReply } from "./http_server.ts";
import type { MetricsSources } from "./metrics.ts";

export function clientHttp(state: () => ClientState, sources: MetricsSources<ClientHistory>): HttpHandler {
  return (path) => {
    switch (path) {
      case "/livez":
        return { status: 200, body: "ok\n" };
      case "/healthz":
      case "/readyz":
      case "/startupz":
        return openness(state());
      case "/v1/status":
        return import("./status.ts").then(async ({ clientStatus }) =>
          jsonReply(await clientStatus(state(), waitingFor(state()), sources))
        );
      case "/metrics":
        return import("./metrics.ts").then(({ clientMetrics }) => clientMetrics(state(), sources));
      default:
        return undefined;
    }
  };
}

function openness(state: ClientState): HttpReply {
  if (isReady(state)) return { status: 200, body: "ok\n" };
  return { status: 503, body: `the Pod is closed: ${waitingFor(state) ?? state.kind}\n` };
}

function waitingFor(state: ClientState): string | undefined {
  const aim = "search" in state ? state.search : "aim" in state ? state.aim : undefined;
  return aim?.report.reasons.at(-1);
}
