import { formatIpv4 } from "../../addr/ipv4.ts";
import { formatService } from "../../config/service.ts";
import { type Finding, ok, problem, skipped } from "../../doctor/finding.ts";
import { PgwError } from "../../errors.ts";
import type { Candidate } from "../../netstate/client.ts";
import type { GatewayAnswer } from "../../role/client_event.ts";
import { resolveService } from "../client.ts";
import { askCandidate } from "../discovery.ts";
import { messageOf } from "../failure.ts";
import type { Examined } from "./doctor.ts";
import { checkVxlanPath } from "./tunnel_trial.ts";

/** SERVICE from here, before there is a client: its name, the gateways behind it, and the way of the tunnel to them. */
export async function checkService({ settings: { service }, uplink }: Examined): Promise<Finding[]> {
  if (service === undefined) return [skipped("gateway", "no SERVICE was named: `pgw doctor SERVICE` looks at it too")];
  const name = formatService(service);
  try {
    const candidates = await resolveService(service);
    const addresses = candidates.map(({ address }) => formatIpv4(address)).join(", ");
    const resolved = ok("gateway: name", `${name} is ${addresses}`);
    const answers = await Promise.all(candidates.map((candidate) => askGateway(candidate, service.path, name)));
    const paths = await Promise.all(
      answers.flatMap(({ answer }) => answer?.info === undefined ? [] : [answer.info])
        // A Service's address may stand for one gateway, and its Pods' addresses for the same.
        .filter((info, index, all) => all.findIndex(({ podAddress }) => podAddress === info.podAddress) === index)
        .slice(0, 1)
        .map((info) => checkVxlanPath(uplink, info)),
    );
    return [resolved, ...answers.map(({ finding }) => finding), ...paths];
  } catch (error) {
    if (!(error instanceof PgwError)) throw error;
    return [
      problem("gateway: name", messageOf(error), "write SERVICE as NAME.NAMESPACE, and see that the Service is there"),
    ];
  }
}

type Asked = { readonly finding: Finding; readonly answer?: GatewayAnswer };

async function askGateway(candidate: Candidate, path: string, name: string): Promise<Asked> {
  const check = `gateway: ${formatIpv4(candidate.address)}`;
  try {
    const host = name.replace(/\/.*/, "");
    const answer = await askCandidate(candidate, { path, host }, AbortSignal.timeout(5_000));
    const { condition } = answer.info ?? {};
    const told = `answers over HTTP, Pod ${formatIpv4(answer.podAddress)}`;
    if (condition === undefined) return { answer, finding: ok(check, `${told}, a gateway of another make`) };
    if (condition.healthy && !condition.draining) return { answer, finding: ok(check, `${told}, ready`) };
    const why = condition.draining ? "it is about to stop" : "it has no way out at present";
    return { answer, finding: problem(check, `${told}, but ${why}`, "see `pgw status` in the gateway Pod") };
  } catch (error) {
    if (!(error instanceof PgwError)) throw error;
    return {
      finding: problem(
        check,
        messageOf(error),
        "see that a gateway Pod is ready behind the Service, and that a NetworkPolicy lets TCP to its port 3150 pass",
      ),
    };
  }
}
