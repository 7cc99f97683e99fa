/** What one setting is. `table.ts` lists them all. */

/** A row of the table of settings. `T` is the type of its value when it has one. */
export type Setting<T> = {
  /** The environment variable. The flag is the same in lower case, without `PGW_`: see {@link flagOf}. */
  readonly variable: `PGW_${string}`;
  /** What stands for the value in help: `LEVEL`. */
  readonly metavar: Uppercase<string>;
  /** One sentence for help and README, without the default. */
  readonly help: string;
  /** The words that are allowed, when there are only a few. */
  readonly choices?: readonly string[];
  /** On the command line this setting is an argument and not a flag. */
  readonly argument?: true;
  /** @throws {PgwError} with one problem a line, the value quoted, and what is allowed */
  readonly parse: (text: string) => T;
} & WhenUnset;

export type WhenUnset =
  /** The value used then, in the form in which a user would write it. */
  | { readonly default: string }
  /** There is no value then: what the program does, for help. */
  | { readonly unset: string }
  /** There must be a value: what to do, for the error message. */
  | { readonly required: string };

export type Table = Readonly<Record<string, Setting<unknown>>>;

/** The values of a table's settings. */
export type Values<T extends Table> = {
  readonly [Name in keyof T]:
    | ReturnType<T[Name]["parse"]>
    | (T[Name] extends { readonly unset: string } ? undefined : never);
};

/** `PGW_LOG_LEVEL` is `log-level`. */
export function flagOf(setting: Setting<unknown>): string {
  return setting.variable.slice("PGW_".length).toLowerCase().replaceAll("_", "-");
}

/** What applies without the user's doing, for help and README. */
export function defaultOf(setting: Setting<unknown>): string {
  if ("default" in setting) return setting.default;
  return "unset" in setting ? setting.unset : "required";
}
