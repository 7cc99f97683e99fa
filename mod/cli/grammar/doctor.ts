/** `pgw doctor [SERVICE] [--target ADDRESS] [--name NAME] [--json]` */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { command, constant, flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { doctorSettings } from "../../config/table.ts";
import { settingsOptions } from "./settings.ts";

export const doctorCommand = command(
  "doctor",
  object({
    command: constant("doctor"),
    json: withDefault(flag("--json", { description: message`Print one JSON object.` }), false),
    target: optional(option("--target", string({ metavar: "ADDRESS" }), {
      description: message`Whom the leak probes are for, instead of an address that nobody has.`,
    })),
    name: optional(option("--name", string({ metavar: "NAME" }), {
      description: message`A name outside the cluster to ask for as an application would.`,
    })),
    flags: settingsOptions(doctorSettings),
  }),
  {
    brief: message`Look for what is wrong, and for leaks.`,
    description:
      message`Look at everything that pgw needs and promises: in a client Pod, a gateway Pod, or before there is either. Nothing outside is contacted but what --target and --name say. Exit code 0 if no problem is found, else 1.`,
  },
);
