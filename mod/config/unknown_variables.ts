/** Variables that look like settings and are none: most often a slip of the pen. */

import { nearestOf } from "./nearest.ts";
import { isServiceLink } from "./read_table.ts";
import { allSettings } from "./table.ts";

/** What Kubernetes sets in each container for a Service whose name begins with `pgw`. */
const serviceVariable = /^PGW_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** One sentence for each PGW_ variable in `env` that is not a setting, with the nearest name that is one. */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = allSettings.map((setting) => setting.variable as string);
  return Object.entries(env)
    .filter(([name, value]) =>
      name.startsWith("PGW_") && !known.includes(name) &&
      !serviceVariable.test(name) && !isServiceLink(name, value ?? "")
    )
    .map(([name]) => {
      const nearest = nearestOf(name, known);
      return nearest === undefined
        ? `${name} is not a setting, and is ignored`
        : `${name} is not a setting, and is ignored: did you mean ${nearest}?`;
    });
}
