/** What is said on connections from a host, for an attacker on the path. */
import { AF_PACKET, checked, libc, SOCK_DGRAM, SOCK_FLAGS } from "../libc.ts";

export type Segment = {
  readonly sourcePort: number;
  readonly sequence: number;
  readonly acknowledged: number;
  /** Of the payload. */
  readonly length: number;
};

/** `latest` reads what came, and returns the last segment with a payload from `source` to `port`. */
export function watchSegments(source: string, port: number): { latest(): Segment | undefined } {
  const ETH_P_IP = 0x0800;
  const networkOrder = (ETH_P_IP >> 8) | ((ETH_P_IP & 0xff) << 8);
  const socket = checked("packet socket", libc.socket(AF_PACKET, SOCK_DGRAM | SOCK_FLAGS, networkOrder));
  const buffer = new Uint8Array(2048);
  const view = new DataView(buffer.buffer);
  const wanted = source.split(".").map(Number);
  let found: Segment | undefined;
  const read = () => {
    for (let length = libc.recv(socket, buffer, 2048n, 0); length > 0n; length = libc.recv(socket, buffer, 2048n, 0)) {
      const at = (buffer[0]! & 0x0f) * 4;
      const isFromSource = wanted.every((octet, index) => buffer[12 + index] === octet);
      if (buffer[9] !== 6 || !isFromSource || view.getUint16(at + 2) !== port) continue;
      const payload = view.getUint16(2) - at - (buffer[at + 12]! >> 4) * 4;
      if (payload <= 0) continue;
      const [sequence, acknowledged] = [view.getUint32(at + 4), view.getUint32(at + 8)];
      found = { sourcePort: view.getUint16(at), sequence, acknowledged, length: payload };
    }
  };
  return {
    latest() {
      read();
      return found;
    },
  };
}
