/** What a client answers to GET /metrics. */

import type { ClientHistory } from "./client_history.ts";
import { commonFamilies, type CommonView, single } from "./common_metrics.ts";
import { clientMetrics as m } from "./metric_table.ts";
import { renderMetrics } from "./metrics.ts";

export type ClientMetricsView = CommonView & {
  readonly history: ClientHistory;
  /** The Pod address of the gateway that the tunnel leads to. */
  readonly gateway?: string;
  /** Milliseconds since 1970. */
  readonly leaseExpiresAt?: number;
};

export function clientMetricsText(view: ClientMetricsView): string {
  const { history, gateway, leaseExpiresAt } = view;
  return renderMetrics([
    ...commonFamilies(view),
    [m.gateway, gateway === undefined ? [] : [[[gateway], 1]]],
    [m.leaseExpiry, leaseExpiresAt === undefined ? [] : single(leaseExpiresAt / 1000)],
    [m.probes, single(history.probes)],
    [m.probeAnswers, single(history.probeAnswers)],
    [m.probeTime, [[[], history.probeTimes]]],
    [m.outages, [[[], history.outages]]],
    [m.reconnects, [[[], history.reconnects]]],
  ]);
}
