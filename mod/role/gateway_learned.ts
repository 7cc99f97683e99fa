/** What a gateway has learned, as JSON: `pgw doctor` asks the gateway that runs, to know what the kernel should hold. */

import { formatIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { formatPrefix, parsePrefix } from "../addr/prefix.ts";
import type { GatewayLearned } from "../netstate/gateway.ts";
import type { LedForward } from "../netstate/port_forward.ts";
import type { VpnEndpoint } from "../netstate/vpn_endpoint.ts";

type LearnedJson = {
  readonly forwards: readonly (Omit<LedForward, "address"> & { readonly address: string })[];
  readonly endpoints?: readonly (Omit<VpnEndpoint, "prefix"> & { readonly prefix?: string })[];
};

export function formatLearned({ forwards, endpoints }: GatewayLearned): LearnedJson {
  return {
    forwards: forwards.map((forward) => ({ ...forward, address: formatIpv4(forward.address) })),
    ...(endpoints === undefined ? {} : {
      endpoints: endpoints.map(({ prefix, ...rest }) =>
        prefix === undefined ? rest : { ...rest, prefix: formatPrefix(prefix) }
      ),
    }),
  };
}

/** Reads what {@link formatLearned} made; the one who answers is this very program, on the loopback. */
export function parseLearned(text: string): GatewayLearned {
  const { forwards, endpoints }: LearnedJson = JSON.parse(text);
  return {
    forwards: forwards.map((forward) => ({ ...forward, address: parseIpv4(forward.address) })),
    ...(endpoints === undefined ? {} : {
      endpoints: endpoints.map(({ prefix, ...rest }) =>
        prefix === undefined ? rest : { ...rest, prefix: parsePrefix(prefix) }
      ),
    }),
  };
}
