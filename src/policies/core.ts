import { crest } from "./crest.ts";
import { full } from "./full.ts";
import { gkv } from "./gkv.ts";
import { h2o } from "./h2o.ts";
import { random } from "./random.ts";
import { recency } from "./recency.ts";
import { roco } from "./roco.ts";
import { scissorhands } from "./scissorhands.ts";
import { snapkv } from "./snapkv.ts";
import { streaming } from "./streaming.ts";
import { tova, tovaLayer } from "./tova.ts";

import { type Policy, ruleFor } from "./policy.ts";

export { type Policy, ruleFor };

/** The policies that the core has by itself, by name. */
export const corePolicies = {
  roco,
  crest,
  h2o,
  tova,
  "tova-layer": tovaLayer,
  scissorhands,
  snapkv,
  gkv,
  streaming,
  recency,
  random,
  full,
} as const satisfies Record<string, Policy>;
