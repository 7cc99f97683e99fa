/** The DHCP messages that pass by on a device of a Pod. Decoded here, so that no fault of ours hides. */
import type { Capture } from "../../lab/capture.ts";
import type { Packet } from "../../lab/packet.ts";
import type { Pod } from "../../lab/pod.ts";

export const device = "vxlan3150";

export type Message = {
  readonly type: "DISCOVER" | "OFFER" | "REQUEST" | "DECLINE" | "ACK" | "NAK" | "RELEASE" | "INFORM";
  /** Where the IP packet came from, and where it went, such as `255.255.255.255`. */
  readonly source: string;
  readonly destination: string;
  /** `0.0.0.0` when it is not set; absent options likewise. */
  readonly ciaddr: string;
  readonly yiaddr: string;
  readonly requested: string;
  readonly server: string;
  readonly mac: string;
};

const types = ["DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"] as const;
const none = "0.0.0.0";

/** Who asked what and was told what, since it was made. */
export class Dialogue implements Disposable {
  readonly #capture: Capture;

  /** @param mac of the one client that counts; absent: all of them */
  constructor(pod: Pod, readonly mac?: string) {
    // An answer goes to port 68, or, from dnsmasq, to whichever its question came from.
    this.#capture = pod.capture(
      device,
      ({ protocol, sourcePort, destinationPort }) => protocol === 17 && [sourcePort, destinationPort].includes(67),
    );
  }

  get messages(): readonly Message[] {
    const all = this.#capture.packets().flatMap((packet) => decode(packet) ?? []);
    return this.mac === undefined ? all : all.filter(({ mac }) => mac === this.mac);
  }

  /** Waits for a message with these fields, and for an answer of the type `answer` behind it, which is returned. */
  async exchange(question: Partial<Message>, answer: Message["type"], timeoutMs = 25_000): Promise<Message> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const { messages } = this;
      const asked = messages.findIndex((message) => isLike(message, question));
      const answered = messages.slice(asked + 1).find(({ type }) => type === answer);
      if (asked >= 0 && answered !== undefined) return answered;
      if (performance.now() > deadline) {
        const seen = messages.map((message) => `  ${JSON.stringify(message)}\n`).join("");
        throw new Error(`no ${JSON.stringify(question)} with an answer ${answer} in ${timeoutMs} ms, but\n${seen}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits for a message that needs no answer. */
  async waitFor(message: Partial<Message>, timeoutMs = 25_000): Promise<Message> {
    const found = await this.#capture.waitFor((packet) => {
      const seen = decode(packet);
      return seen !== undefined && (this.mac === undefined || seen.mac === this.mac) && isLike(seen, message);
    }, timeoutMs);
    return decode(found)!;
  }

  /** Forgets what was said so far. */
  clear(): void {
    this.#capture.clear();
  }

  [Symbol.dispose](): void {
    this.#capture[Symbol.dispose]();
  }
}

function isLike(message: Message, wanted: Partial<Message>): boolean {
  return Object.entries(wanted).every(([name, value]) => message[name as keyof Message] === value);
}

function decode({ payload, source, destination }: Packet): Message | undefined {
  const address = (at: number) => payload.subarray(at, at + 4).join(".");
  const options = new Map<number, Uint8Array>();
  for (let at = 240; at + 1 < payload.length && payload[at] !== 255;) {
    const [code = 0, length = 0] = payload.subarray(at, at + 2);
    if (code !== 0) options.set(code, payload.subarray(at + 2, at + 2 + length));
    at += code === 0 ? 1 : 2 + length;
  }
  const type = types[(options.get(53)?.[0] ?? 0) - 1];
  if (type === undefined) return undefined;
  return {
    type,
    source,
    destination,
    ciaddr: address(12),
    yiaddr: address(16),
    requested: options.get(50)?.join(".") ?? none,
    server: options.get(54)?.join(".") ?? none,
    mac: [...payload.subarray(28, 34)].map((byte) => byte.toString(16).padStart(2, "0")).join(":"),
  };
}
