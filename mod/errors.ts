/** What this program throws on purpose. Each message says what is wrong and what to do about it. */

/** The exit codes of `pgw`, as the README lists them. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  missingCapability: 3,
  missingTool: 4,
  conflict: 5,
} as const;

/** The root of all errors that are meant for the user; anything else that escapes is a bug. */
export class PgwError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
  /** The process's exit code when this error ends it. */
  readonly exitCode: number = exitCodes.failure;
}

/** The kernel refused what only a holder of `capability` may do. */
export class MissingCapabilityError extends PgwError {
  override readonly exitCode = exitCodes.missingCapability;
  constructor(readonly capability: "NET_ADMIN" | "NET_RAW" | "NET_BIND_SERVICE", cause: unknown) {
    super(`${capability} is missing: add it under securityContext.capabilities.add of this container`, { cause });
  }
}

/** A program that `pgw` runs is not there. */
export class MissingToolError extends PgwError {
  override readonly exitCode = exitCodes.missingTool;
  constructor(readonly tool: string, cause: unknown) {
    super(
      `'${tool}' is not on the PATH: install it (Debian: apt-get install iptables) or use the pod-gateway image`,
      { cause },
    );
  }
}

/** Something of the same name, or on the same port, is there already, and it is not ours to change. */
export class ConflictError extends PgwError {
  override readonly exitCode = exitCodes.conflict;
}
