import assert from "node:assert/strict";
import { formatIpv4, parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { prefix4 } from "../../../mod/addr/prefix.ts";
import type { Reservations } from "../../../mod/dhcp/reservations.ts";
import { closeLogging, setUpLogging } from "../../../mod/runtime/log.ts";
import { ReservationFile } from "../../../mod/runtime/reservation_file.ts";

const server = parseIpv4("172.29.0.1");
const shown = (reservations: Reservations) => [...reservations.addresses()].map(formatIpv4).join(" ");

type Watched = {
  readonly path: string;
  readonly file: ReservationFile;
  /** What was reported until now. */
  readonly changes: readonly string[];
  readonly messages: () => string[];
};

/** A file with `text`, or none, its reader, and the log. */
async function reading(text: string | undefined, body: (watched: Watched) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [path, logFilePath] = [`${folder}/reservations`, `${folder}/log`];
  await setUpLogging({ logLevel: "info", logTransports: ["file"], logFilePath, logFormat: "json" });
  if (text !== undefined) await Deno.writeTextFile(path, text);
  const changes: string[] = [];
  const file = new ReservationFile({
    path,
    network: prefix4(server, 24),
    own: [server],
    changed: (reservations) => changes.push(shown(reservations)),
    watch: { pollMs: 50, settleMs: 10, emptyMs: 50 },
  });
  const messages = () =>
    Deno.readTextFileSync(logFilePath).split("\n").filter(Boolean).map((line) => JSON.parse(line).message);
  try {
    await body({ path, file, changes, messages });
  } finally {
    file[Symbol.dispose]();
    await closeLogging();
    await Deno.remove(folder, { recursive: true });
  }
}

async function until(check: () => boolean): Promise<void> {
  for (let tries = 0; !check(); tries++) {
    assert(tries < 500, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("reservation file: a wrong line is told with its number, and the former content stays", () =>
  reading("172.29.0.5 name=a\n", async ({ path, file, changes, messages }) => {
    assert.equal(shown(file.first), "172.29.0.5");
    await Deno.writeTextFile(path, "172.29.0.6 name=a\n172.29.0.7 host=b\n");
    await until(() => messages().length > 1);
    assert.deepEqual(messages(), [
      `${path}: line 2: 'host=b' is not one of mac=, id= or name=`,
      `${path}: the former reservations stay until this is mended`,
    ]);
    assert.deepEqual(changes, []);
    await Deno.writeTextFile(path, "172.29.0.6 name=a\n172.29.0.7 name=b\n");
    await until(() => changes.length > 0);
    assert.deepEqual(changes, ["172.29.0.6 172.29.0.7"]);
  }));

Deno.test("reservation file: wrong lines at the start are told, the right ones count; when it is gone nothing changes", () =>
  reading("172.29.0.5 name=a\n172.29.0.300 name=b\n", async ({ path, file, changes, messages }) => {
    assert.equal(shown(file.first), "172.29.0.5");
    assert.match(messages()[0]!, /line 2: '172.29.0.300' is not an IPv4 address/);
    await Deno.remove(path);
    await until(() => messages().length >= 3);
    assert.match(messages()[1]!, /cannot be read/);
    assert.deepEqual(changes, []);
  }));

Deno.test("reservation file: one that is not there yet is read when it comes", () =>
  reading(undefined, async ({ path, file, changes, messages }) => {
    assert.equal(shown(file.first), "");
    assert.match(messages()[0]!, /cannot be read/);
    await Deno.writeTextFile(path, "172.29.0.9 id=01:02\n");
    await until(() => changes.length > 0);
    assert.deepEqual(changes, ["172.29.0.9"]);
  }));
