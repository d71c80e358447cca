/** Layers of experts: what config.json says of them, and their tensors under one kind of name, whoever wrote them. */
import type { Experts, ModelConfig } from "../engine/config.ts";
import { words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";
import type { StoredTensor } from "../formats/converted.ts";
import { rowsOf } from "../formats/rows.ts";
import type { Family } from "./families.ts";
import { isInteger } from "./layers.ts";

/** That a router chooses from: see shaders/route.wgsl. */
export const MOST_EXPERTS = 512;
const MOST_IN_ALL = 1 << 15; // of all layers: each has tensors of its own

/** How a configuration is read. */
interface Reading {
  readonly layers: number;
  integer(name: string, most: number): number;
  flag(name: string): boolean;
}

/** The feed-forward part: its width in layers without experts, and what the others have. */
export function readExperts(
  config: Record<string, unknown>,
  { experts: family }: Family,
  { layers, integer, flag }: Reading,
): Pick<ModelConfig, "intermediate" | "experts"> {
  if (!family) return { intermediate: integer("intermediate_size", 1 << 24), experts: null };
  // Transformers names them in one way or the other, whatever the family.
  const name = config.num_experts === undefined ? "num_local_experts" : "num_experts";
  const count = integer(name, MOST_EXPERTS);
  if (layers * count > MOST_IN_ALL) {
    refuseFile(`num_hidden_layers · ${name} must be at most ${MOST_IN_ALL}`, layers * count, { code: "unsupported" });
  }
  const used = integer("num_experts_per_tok", MOST_EXPERTS);
  if (used > count) refuseFile(`num_experts_per_tok must be at most ${count}, the number of experts`, used);
  const has = family.mixed ? readSparse(config, layers) : new Array<boolean>(layers).fill(true);
  const experts: Experts = {
    count,
    used,
    width: integer(family.width, 1 << 24),
    normed: family.normed || flag("norm_topk_prob"),
    layers: has,
  };
  if (!has.includes(true)) return { intermediate: integer("intermediate_size", 1 << 24), experts: null };
  return { intermediate: has.includes(false) ? integer("intermediate_size", 1 << 24) : 0, experts };
}

/** Which layers have experts, [layers]. */
function readSparse(config: Record<string, unknown>, layers: number): boolean[] {
  const every = config.decoder_sparse_step;
  if (!isInteger(every, 1, 2 ** 31 - 1)) refuseFile("decoder_sparse_step must be a positive integer", every);
  const dense = config.mlp_only_layers ?? [];
  if (!Array.isArray(dense) || !dense.every((layer) => isInteger(layer, 0, layers - 1))) {
    refuseFile(`mlp_only_layers must be numbers of layers below ${layers}`, dense);
  }
  return Array.from({ length: layers }, (_, layer) => (layer + 1) % every === 0 && !dense.includes(layer));
}

/** What Mixtral calls the matrices of an expert. */
const MIXTRAL: Record<string, string> = { w1: "gate_proj", w2: "down_proj", w3: "up_proj" };

/**
 * The tensors with those of experts as `model.layers.N.mlp.experts.E.gate_proj.weight`, up_proj and down_proj, and routers as
 * `….mlp.gate.weight`: Mixtral's own names, and all of a layer in one tensor, gates and ups together or apart, as transformers has
 * them in memory and GGUF files hold them. Of families without experts as they are.
 */
export function apartByExpert<T extends StoredTensor>(config: ModelConfig, stored: Map<string, T>): Map<string, T> {
  const { experts } = config;
  if (!experts) return stored;
  const found = new Map<string, T>();
  const add = (name: string, tensor: T) => {
    if (found.has(name)) refuseFile(`the weights must hold ${name} once`, words("it under two names"));
    found.set(name, tensor);
  };
  for (const [name, tensor] of stored) {
    const own = name.replace(/\.block_sparse_moe\./, ".mlp.")
      .replace(/(\.mlp\.experts\.\d+\.)(w[123])(?=\.weight)/, (_, at, part) => at + MIXTRAL[part]);
    const [, at, part] = /^(.*\.mlp\.experts\.)(gate_up_proj|gate_proj|up_proj|down_proj)(?:\.weight)?$/.exec(own) ??
      [];
    const [count, rows, columns] = tensor.shape;
    const fits = count === experts.count && columns !== undefined && tensor.shape.length === 3;
    if (part === undefined || !fits || part === "gate_up_proj" && rows % 2 !== 0) {
      add(own, tensor); // which will be refused, where it is one of these
      continue;
    }
    const all = { ...tensor, shape: [count * rows, columns] };
    const parts = part === "gate_up_proj" ? ["gate_proj", "up_proj"] : [part];
    const each = rows / parts.length;
    let from = 0;
    for (let expert = 0; expert < count; expert++) {
      for (const one of parts) add(`${at}${expert}.${one}.weight`, rowsOf(all, from, from += each));
    }
  }
  return found;
}
