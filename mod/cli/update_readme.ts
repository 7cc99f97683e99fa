/** Writes the settings into README.md: `deno task readme`. */

import { withSettings } from "../config/readme.ts";

const path = new URL("../../README.md", import.meta.url);
Deno.writeTextFileSync(path, withSettings(Deno.readTextFileSync(path)));
