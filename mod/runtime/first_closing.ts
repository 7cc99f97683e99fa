/**
 * The first rules of a new Pod. They need the settings and nothing else, so they are set while the rest of the client is
 * loaded: until they stand, an application may send.
 */

import type { ClientSettings } from "../config/settings.ts";
import { applyFirewall, FirewallLook, showFirewallChange } from "../linux/firewall.ts";
import { keepHeapSmall } from "../linux/memory.ts";
import { CommandRunner, requireTools } from "../linux/runner.ts";
import { clientFirewall } from "../netstate/client_firewall.ts";
import { clientNetConfig } from "./client_net_config.ts";
import { logger } from "./log.ts";

export type FirstClosing = {
  readonly runner: CommandRunner;
  /** What the firewall was seen to hold. */
  readonly look: FirewallLook;
  /** Whether no earlier process left a tunnel. Where one did, the Pod may be open, and nothing is done to it here. */
  readonly isNewPod: boolean;
  /** Never rejects: who closes the Pod after this finds what is missing, and why. */
  readonly done: Promise<void>;
};

/**
 * Begins it, and returns as soon as it goes on by itself: this process is busy as long as it loads code.
 *
 * @throws {MissingToolError} before anything is changed
 */
export async function closeFirst(settings: ClientSettings): Promise<FirstClosing> {
  requireTools();
  keepHeapSmall();
  const begun = { runner: new CommandRunner(), look: new FirewallLook(), isNewPod: !hasDevice(settings.vxlanDevice) };
  const done = begun.isNewPod ? close(settings, begun) : Promise.resolve();
  await begun.runner.fed();
  return { ...begun, done };
}

async function close(settings: ClientSettings, { runner, look }: Omit<FirstClosing, "done">): Promise<void> {
  look.presumeNothing();
  try {
    const firewall = clientFirewall(clientNetConfig(settings), { phase: "closed" }, false);
    const changes = await applyFirewall(runner, firewall, { look });
    for (const change of changes) logger("network").debug("{change}", { change: showFirewallChange(change) });
  } catch {
    look.presumeNothing();
  }
}

function hasDevice(name: string): boolean {
  try {
    Deno.statSync(`/sys/class/net/${name}`);
    return true;
  } catch {
    return false;
  }
}
