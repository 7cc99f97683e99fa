/** `deno task storm [CLIENTS [INTERVAL_S [DOWN_S]]]`: prints the curve of {@link runStorm}. */

import { runStorm } from "./storm.ts";

const [clients = 1_000, interval = 0.3, down = 60] = Deno.args.map(Number);
const seconds = runStorm({ clients, intervalMs: interval * 1_000, downMs: down * 1_000, seed: 1 });
const most = Math.max(...seconds.map(({ questions }) => questions));
console.log(`${clients} clients, checks each ${interval} s, no gateway for ${down} s; a line is a second`);
console.log("second  names  questions  DHCP  open");
seconds.forEach(({ names, questions, dhcp, open }, second) => {
  const columns = [second, names, questions, dhcp, open].map((value, index) =>
    String(value).padStart([6, 6, 10, 5, 5][index]!)
  );
  console.log(`${columns.join(" ")}  ${"#".repeat(Math.ceil(60 * questions / most))}`);
});
