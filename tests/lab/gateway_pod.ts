/** A gateway Pod: a Pod with a way of its own to the internet, the VPN. */
import type { Capture, PacketFilter } from "./capture.ts";
import { host, type Namespace } from "./namespace.ts";
import { Pod, type PodPlace } from "./pod.ts";
import { type PodAddress, routerAddress, vpnAddress } from "./topology.ts";

export const vpnDevice = "vpn0";

export class GatewayPod extends Pod {
  /** What the internet sees when packets go through the VPN. */
  readonly vpnAddress: PodAddress;
  readonly #internet: Namespace;
  /** The internet's end of the VPN. */
  readonly #exit: string;

  constructor(place: PodPlace, index: number, internet: Namespace) {
    super(place);
    this.#internet = internet;
    this.#exit = `vpn-${place.name}`;
    this.vpnAddress = vpnAddress(index);
  }

  override async create(): Promise<void> {
    await super.create();
    const { v4, v6 } = this.vpnAddress;
    const veth = ["ip", "link", "add", vpnDevice, "netns", this.name, "type", "veth", "peer", "name", this.#exit];
    await host([...veth, "netns", this.#internet.name]);
    await this.#internet.ip(
      `addr add fe80::1/64 dev ${this.#exit} nodad`,
      `link set ${this.#exit} up`,
      `route replace ${v4} dev ${this.#exit}`,
      `route replace ${v6} dev ${this.#exit}`,
    );
    await this.ip(`addr add ${v4}/32 dev ${vpnDevice}`);
    await this.connectVpn();
  }

  override async destroy(): Promise<void> {
    await this.#internet.ip(`link delete ${this.#exit}`);
    await super.destroy();
  }

  /** The VPN comes up, and takes the routes to the internet but those to the cluster, as VPN programs do. */
  async connectVpn(): Promise<void> {
    const { v4, v6 } = this.vpnAddress;
    const uplink = this.place.cni === "calico" ? "169.254.1.1" : routerAddress.v4;
    await this.ip(
      `link set ${vpnDevice} up`,
      `addr replace ${v6}/128 dev ${vpnDevice} nodad`,
      `route replace 10.0.0.0/8 via ${uplink} dev eth0`,
      `route replace 0.0.0.0/1 dev ${vpnDevice} src ${v4}`,
      `route replace 128.0.0.0/1 dev ${vpnDevice} src ${v4}`,
      `route replace 2000::/4 via fe80::1 dev ${vpnDevice} onlink src ${v6}`,
    );
    await this.waitForLink(vpnDevice);
  }

  /** The VPN goes down, its routes vanish: what is not protected takes the direct way from now on. */
  async disconnectVpn(): Promise<void> {
    await this.ip(`link set ${vpnDevice} down`);
  }

  /** The VPN stays up but nothing comes through it any more. */
  async setVpnSilent(isSilent: boolean): Promise<void> {
    await this.#internet.exec(["iptables", isSilent ? "-I" : "-D", "INPUT", "-i", this.#exit, "-j", "DROP"]);
  }

  /** What leaves through the VPN, seen from the internet. */
  captureVpn(filter: PacketFilter = () => true): Capture {
    return this.#internet.capture(this.#exit, (packet) => packet.direction === "in" && filter(packet));
  }
}
