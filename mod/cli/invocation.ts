/** What a command line asks for. */

/** How a role runs: `init` sets up and ends, `start` stays and goes on with what `init` set up, `run` does both. */
export const modes = ["init", "start", "run"] as const;
export type Mode = typeof modes[number];

/** The question of a health probe. */
export const healthChecks = ["ready", "live", "startup"] as const;
export type HealthCheck = typeof healthChecks[number];

/** Texts of settings by flag without hyphens in front; the argument SERVICE is `client-service`. */
export type Flags = Readonly<Record<string, string | undefined>>;

export type Invocation =
  | { readonly command: "gateway"; readonly mode: Mode; readonly flags: Flags }
  | { readonly command: "client"; readonly mode: Mode; readonly flags: Flags }
  /** `check` absent: whether it does its job as a whole. */
  | { readonly command: "health"; readonly check: HealthCheck | undefined; readonly flags: Flags }
  | { readonly command: "status"; readonly json: boolean; readonly watch: boolean; readonly flags: Flags }
  | { readonly command: "leases"; readonly json: boolean; readonly flags: Flags }
  | {
    readonly command: "dns query";
    readonly name: string;
    /** A, AAAA, ... */
    readonly type: string;
    readonly json: boolean;
    readonly flags: Flags;
  }
  | {
    readonly command: "doctor";
    readonly json: boolean;
    readonly target?: string | undefined;
    readonly name?: string | undefined;
    readonly flags: Flags;
  }
  | { readonly command: "version" };
