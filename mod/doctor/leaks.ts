/** The leak probes: what is sent around the tunnel, and what it means that some of it left the Pod. */

import { type Finding, ok, problem, skipped } from "./finding.ts";

export type LeakKind = "TCP" | "UDP" | "ICMP" | "DNS";
export const leakKinds: readonly LeakKind[] = ["TCP", "UDP", "ICMP", "DNS"];

/** What became of the attempt to send a packet. */
export type Sending =
  | { readonly outcome: "taken" }
  | { readonly outcome: "refused" | "unmade"; readonly code: string };

/** Whether a packet that may leave was counted; `no way`: there is no route out of the Pod for any packet. */
export type Control = "counted" | "missed" | "no way";

/** A probe that was sent. */
export type LeakProbe = {
  readonly kind: LeakKind;
  readonly family: 4 | 6;
  /** Whom it was for. */
  readonly target: string;
  /** The interface that it was bound to. */
  readonly device: string;
  /** `unmade`: there is no such socket here; `refused`: the kernel said no at once (errno(3)); `taken`: it did not. */
  readonly sending: Sending;
  /** Packets of it that were on their way out of the Pod behind all rules, by any interface but the tunnel. */
  readonly left: number;
};

/**
 * Documentation addresses (RFC 5737, RFC 3849): nobody has them, so a probe that does leave reaches nobody.
 */
export const nobody = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;

/** @param control what became of a packet that may leave: where that was not counted, a count of zero means nothing */
export function judge({ kind, family, target, device, sending, left }: LeakProbe, control: Control): Finding {
  const check = `leak: ${kind} by IPv${family}`;
  const sent = `${kind} to ${target} by ${device}`;
  if (left > 0) {
    return problem(
      check,
      `${sent}: ${left} packets left the Pod around the tunnel`,
      "something has changed the firewall and the routes of pgw: see its log, and keep NET_ADMIN and NET_RAW from the " +
        "other containers",
    );
  }
  if (sending.outcome === "unmade") return skipped(check, `${sent} cannot be sent from here (${sending.code})`);
  if (control === "missed") return skipped(check, `${sent}: nothing was counted, but nor was the control`);
  const refusal = sending.outcome === "refused" ? `refused (${sending.code}), ` : "";
  const because = control === "no way" ? `: the Pod has no way out by IPv${family}` : "";
  return ok(check, `${sent}: ${refusal}nothing left${because}`);
}
