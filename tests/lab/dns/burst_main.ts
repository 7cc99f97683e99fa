/**
 * Asks many names at once and counts the answers. `burst_main.ts SERVER COUNT PER_MS NAME`: in NAME, `#` is the number of
 * the question. Writes `{"asked":...,"answered":...,"refused":...}` two seconds after the last question.
 */
import { query } from "./message.ts";

const [server = "", countText, perMs, pattern = ""] = Deno.args;
const count = Number(countText);
const socket = Deno.listenDatagram({ hostname: "0.0.0.0", port: 0, transport: "udp" });
const to = { hostname: server, port: 53, transport: "udp" } as const;
let [answered, failed] = [0, 0];

async function receive(): Promise<void> {
  for await (const [message] of socket) {
    if ((message[3]! & 0x0f) === 0) answered++;
    else failed++;
  }
}

const receiving = receive();
for (let number = 0; number < count; number++) {
  await socket.send(query(pattern.replace("#", String(number)), number), to).catch(() => {}); // the buffer is full
  if ((number + 1) % Number(perMs) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
await new Promise((resolve) => setTimeout(resolve, 2_000));
socket.close();
await receiving;
console.log(JSON.stringify({ asked: count, answered, failed }));
