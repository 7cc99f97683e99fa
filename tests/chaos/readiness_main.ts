/**
 * What a kubelet and the endpoints controller do: asks hosts for their readiness, and tells which are ready when that changes.
 *
 * `readiness_main.ts PORT HOST...` prints `{"ready":[0,1]}`, by the hosts' places in the list.
 */
const [port = "", ...hosts] = Deno.args;
const everyMs = 150;
const timeoutMs = 400;

let told = "";
for (;;) {
  const answers = await Promise.all(hosts.map(isReady));
  const ready = JSON.stringify({ ready: answers.flatMap((isReady, index) => isReady ? [index] : []) });
  if (ready !== told) console.log(told = ready);
  await new Promise((resolve) => setTimeout(resolve, everyMs));
}

async function isReady(host: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}:${port}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
