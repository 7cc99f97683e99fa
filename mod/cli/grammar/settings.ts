/** The table of settings as options of a command. */

import { object } from "@optique/core/constructs";
import type { Message } from "@optique/core/message";
import { message, text } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { ensureNonEmptyString } from "@optique/core/nonempty";
import type { Parser } from "@optique/core/parser";
import { argument, option } from "@optique/core/primitives";
import type { ValueParser } from "@optique/core/valueparser";
import { defaultOf, flagOf, type Setting, type Table } from "../../config/setting.ts";
import type { Flags } from "../invocation.ts";

/** One option for each setting of `table`, SERVICE an argument. Values are checked later, all at once: see `config/`. */
export function settingsOptions(table: Table): Parser<"sync", Flags, unknown> {
  return object(Object.fromEntries(
    Object.values(table).map((setting) => {
      const description = describe(setting);
      return [
        flagOf(setting),
        optional(
          setting.argument
            ? argument(anyText(setting), { description })
            : option(`--${flagOf(setting)}`, anyText(setting), { description, hidden: "usage" }),
        ),
      ];
    }),
  ));
}

function describe(setting: Setting<unknown>): Message {
  const { help, variable } = setting;
  const fallback = "default" in setting ? `=${setting.default}` : `; ${defaultOf(setting)}`;
  // one piece, so that no line ends between a bracket and what stands in it
  return message`${text(`${help} [${variable}${fallback}]`)}`;
}

function anyText(setting: Setting<unknown>): ValueParser<"sync", string> {
  const { metavar } = setting;
  ensureNonEmptyString(metavar);
  return {
    mode: "sync",
    metavar,
    placeholder: "",
    parse: (input) => ({ success: true, value: input }),
    format: (value) => value,
    *suggest(prefix) {
      for (const word of setting.choices ?? []) {
        if (word.startsWith(prefix)) yield { kind: "literal", text: word };
      }
    },
  };
}
