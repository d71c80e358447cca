import { full } from "./full.ts";
import { h2o } from "./h2o.ts";
import { random } from "./random.ts";
import { recency } from "./recency.ts";
import { roco } from "./roco.ts";
import { scissorhands } from "./scissorhands.ts";
import { snapkv } from "./snapkv.ts";
import { streaming } from "./streaming.ts";
import { tova, tovaLayer } from "./tova.ts";

export { type Policy, ruleFor } from "./policy.ts";

/** Every policy that a session takes, by name. */
export const policies = { roco, h2o, tova, recency, random, full } as const;

/** A session's policy by name. */
export type PolicyName = keyof typeof policies;

/** Every policy that the core knows, one for each paper, by name: those above and those that need more of a core. */
export const presets = { ...policies, "tova-layer": tovaLayer, scissorhands, snapkv, streaming } as const;
