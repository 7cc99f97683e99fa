import { gatewayMac } from "../addr/mac.ts";
import { vxlanOverhead } from "../netstate/names.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { Netlink } from "./netlink.ts";
import { applyChanges } from "./reconcile.ts";

/** Makes a VXLAN device `name` that nothing uses, and takes it away again: that shows whether the kernel can. */
export async function tryVxlan(name: string, { device, address, mtu }: Uplink): Promise<void> {
  using netlink = new Netlink();
  const settings = { id: 0xffffff, port: 0xffff, uplink: device, local: address };
  const link = { name, ...settings, mac: gatewayMac(address), mtu: mtu - vxlanOverhead };
  await applyChanges(netlink, [{ kind: "add link", link }, { kind: "delete link", name }]);
}
