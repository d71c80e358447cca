import { corePolicies, type Policy, ruleFor } from "./core.ts";
import { keydiff } from "./keydiff.ts";
import { knorm } from "./knorm.ts";
import { vatp } from "./vatp.ts";
import { caote } from "./caote.ts";
import { defensive } from "./defensive.ts";
import { vase } from "./vase.ts";
import { rkv } from "./rkv.ts";
import { nestedkv } from "./nestedkv.ts";
import { triattention } from "./triattention.ts";
import { expected } from "./expected.ts";
import type { FunctionPolicy } from "./policy.ts";

export { corePolicies, type FunctionPolicy, type Policy, ruleFor };

const { full, ...evicting } = corePolicies;

/** Every policy, by name: those of the core, and those that read keys and values. */
export const policies = {
  ...evicting,
  keydiff,
  knorm,
  vatp,
  caote,
  defensive,
  vase,
  rkv,
  nestedkv,
  triattention,
  expected,
  full,
} as const satisfies Record<string, Policy | FunctionPolicy>;

/** A policy by name. */
export type PolicyName = keyof typeof policies;
