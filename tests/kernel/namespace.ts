/** Gives each kernel test a network namespace of its own, in which nothing of the machine can be reached. */

import { PgwError } from "../../mod/errors.ts";
import { CommandRunner } from "../../mod/linux/runner.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";

const CLONE_NEWNET = 0x40000000;
/** What kernel tests run commands by: a test has ended when all of them have. */
export const runner = new CommandRunner();
/** Milliseconds. */
const timeLimit = 20_000;

/** Only the calling thread moves: the one that the test, its sockets and the processes that it starts run on. */
const libc = Deno.dlopen("libc.so.6", { unshare: { parameters: ["i32"], result: "i32" } });

/** Registers a test that runs in a new network namespace with a loopback device that is up. */
export function kernelTest(name: string, body: () => void | Promise<void>): void {
  Deno.test(name, async () => {
    if (libc.symbols.unshare(CLONE_NEWNET) !== 0) {
      throw new PgwError(
        "kernel tests make network namespaces: run them as root, or by unshare --user --map-root-user",
      );
    }
    await ip("link set lo up");
    await within(timeLimit, toItsEnd(body));
  });
}

async function toItsEnd(body: () => void | Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await runner.settled();
    await untilClosed();
  }
}

/** Until the thread that waited for sockets has seen that they are closed. */
async function untilClosed(): Promise<void> {
  const last = UdpSocket.open();
  const pending = last.receive();
  last.close();
  await pending;
}

async function within(limit: number, body: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new PgwError(`no end after ${limit} ms`)), limit);
  try {
    await Promise.race([body, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs lines of `ip -batch`, those that begin with `-6` as `ip -6`. What was printed. */
export async function ip(...lines: string[]): Promise<string> {
  let printed = "";
  for (const line of lines) printed += await sh(`ip ${line}`);
  return printed;
}

/** Runs a command whose words have no spaces. */
export function sh(command: string): Promise<string> {
  const [program, ...args] = command.split(" ");
  return runner.run([program!, ...args]);
}

/** Two devices at the ends of one cable, up. `options` are those of the first in `ip link add`. */
export async function cable(name: string, other: string, options = ""): Promise<void> {
  await ip(`link add ${name}${options} type veth peer name ${other}`, `link set ${name} up`, `link set ${other} up`);
  // The kernel lets packets through some time after it has seen the other end: until then they are lost.
  while ((await ip("-o link show type veth")).split("\n").some((line) => line !== "" && !line.includes("state UP"))) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/**
 * A Pod's own network: `eth0` with 10.42.0.5/24 and 2001:db8:42::5/64, default routes to `.1` and `::1`, and `far`, the
 * other end, up in the same namespace.
 */
export async function podNetwork(): Promise<void> {
  await cable("eth0", "far", " address 02:00:00:00:00:05 mtu 1450");
  await ip(
    "address add 10.42.0.5/24 dev eth0",
    "address add 2001:db8:42::5/64 dev eth0 nodad",
    "route add default via 10.42.0.1 dev eth0",
    "-6 route add default via 2001:db8:42::1 dev eth0",
  );
}
