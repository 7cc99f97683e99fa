import type { ClientSettings } from "../config/settings.ts";
import type { ClientNetConfig } from "../netstate/client.ts";

/** What of a client's settings its network state depends on. */
export function clientNetConfig(settings: Omit<ClientSettings, "service">): ClientNetConfig {
  return {
    device: settings.vxlanDevice,
    localCidrs: settings.localCidrs,
    foreignDns: settings.dns === "off" ? "pass" : settings.foreignDns,
  };
}
