import { PgwError } from "../errors.ts";

/** A text is not a value of its setting. One problem for each part of it that is wrong: what it is, and what is allowed. */
export class ValueError extends PgwError {
  readonly problems: readonly string[];
  constructor(...problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** The problems that `error` tells of. */
export function problemsOf(error: PgwError): readonly string[] {
  return error instanceof ValueError ? error.problems : [error.message];
}
