/** Why a client went from one state to the next, where it has no message to people that says so. */

import { formatIpv4 } from "../addr/ipv4.ts";
import type { ClientEvent } from "./client_event.ts";

const causes: Readonly<Record<ClientEvent["kind"], string>> = {
  tick: "the time has come",
  applied: "the kernel holds what it should",
  applyFailed: "the kernel refuses",
  uplink: "the Pod's own interface is known",
  noUplink: "the Pod's own interface is not known",
  resolved: "SERVICE has addresses",
  unresolved: "SERVICE has no address",
  answered: "a gateway answered",
  unanswered: "no gateway answered",
  dhcp: "an answer to DHCP",
  conflict: "another host has the address",
  probeAnswer: "the gateway answers through the tunnel",
  undelivered: "a probe came back",
  reached: "the gateway's kernel answers",
  kernelChanged: "the Pod's network has changed",
  look: "SIGHUP",
  stop: "told to stop",
};

/** `event`: what came in the former state; absent: the process has just begun. */
export function causeOf(event?: ClientEvent): string {
  if (event === undefined) return "started";
  const cause = causes[event.kind];
  if ("reason" in event) return `${cause}: ${event.reason}`;
  if (event.kind === "uplink") return `${cause}: ${event.uplink.device}`;
  if (event.kind !== "resolved") return cause;
  return `${cause}: ${event.candidates.map(({ address }) => formatIpv4(address)).join(", ")}`;
}
