/** What the commands `gateway` and `client` have in common: three modes, each with the settings of the role. */

import { group, merge, object, or } from "@optique/core/constructs";
import { type Message, message } from "@optique/core/message";
import { command, constant } from "@optique/core/primitives";
import type { Table } from "../../config/setting.ts";
import { commonTable } from "../../config/table.ts";
import type { Mode } from "../invocation.ts";
import { settingsOptions } from "./settings.ts";

/** `init|start|run` of `role`, whose own settings are `table`. `does` says what each mode does. */
export function modeCommands<const Role extends "gateway" | "client">(
  role: Role,
  table: Table,
  does: Readonly<Record<Mode, Message>>,
) {
  const settings = merge(
    group("Settings of this role", settingsOptions(table)),
    group("Settings of both roles", settingsOptions(commonTable)),
  );
  const modeCommand = <const M extends Mode>(mode: M) =>
    command(mode, object({ command: constant(role), mode: constant(mode), flags: settings }), {
      brief: does[mode],
      footer: message`Flags win over variables. All settings that are wrong are told at once; nothing is changed then.`,
    });
  return or(modeCommand("init"), modeCommand("start"), modeCommand("run"));
}
