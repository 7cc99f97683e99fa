import { exitCodes, PgwError } from "../errors.ts";

/** What the user has set cannot be used. All problems of a start are in it, each on a line that names the setting. */
export class SettingsError extends PgwError {
  override readonly exitCode = exitCodes.usage;
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}
