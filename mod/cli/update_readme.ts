/** Writes the settings into README.md and the metrics into docs/operations.md: `deno task readme`. */

import { withSettings } from "../config/readme.ts";
import { withMetrics } from "../health/metric_docs.ts";

update("README.md", withSettings);
update("docs/operations.md", withMetrics);

function update(file: string, change: (text: string) => string): void {
  const path = new URL(`../../${file}`, import.meta.url);
  Deno.writeTextFileSync(path, change(Deno.readTextFileSync(path)));
}
