// The naive twin of a session: one token at a time in float64, plain arrays, no slots. A chunk's tokens are taken in one by
// one (each sees those before it), and evicted from when the chunk is whole. Books and choice are the core's naive twin.
import type { Allocation } from "../../src/policies/allocation.ts";
import type { CoreRule } from "../../src/core/core.ts";
import type { KvType } from "../../src/engine/kv.ts";
import type { ModelConfig } from "../../src/engine/config.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { readFloats } from "../../src/engine/widen.ts";
import type { FieldScore } from "./field.ts";
import { stored } from "./kv.ts";
import { type Cached, lighten, meanOf, type Remainder, wayOf, weightOf } from "./remainder.ts";
import { CoreTwin, type TwinToken } from "./core.ts";

export type Vector = Float64Array | Float32Array | number[];

export interface TwinOptions {
  rule: CoreRule;
  window?: number; // rows
  score?: FieldScore; // in place of the rule's
  budget: number;
  stride: number;
  positions: "absolute" | "cache";
  aggregate: "mean" | "max";
  kv: KvType;
  /** How slots are shared out, and the least that a lane may have: see src/eviction/allocation.ts. */
  allocation: Allocation;
  least: number;
  /** Means that a lane keeps of what was evicted, and the rank that unrotated keys are rotated by. */
  remainder?: number;
  foldRank?: number;
  /** Tokens that one stands for at most. */
  foldMost?: number;
}

/** Lanes that the same core twin keeps. */
interface Group {
  core: CoreTwin;
  first: number;
  budget: number;
}

/** Every tensor of a model, widened. */
export async function readWeights(tensors: Map<string, Tensor>): Promise<Map<string, Float32Array>> {
  const all = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) all.set(name, await readFloats(tensor));
  return all;
}

const MOST_GROWN = 64; // tokens of text that may stay on top of a budget
const range = (length: number) => Array.from({ length }, (_, i) => i);
const capped = (value: number, cap: number) => cap === 0 ? value : cap * Math.tanh(value / cap);
const gelu = (g: number) => g / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3)));
function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export class SessionTwin {
  readonly #groups: Group[];
  #unshared = 0; // tokens since adaptive budgets were set
  readonly #config: ModelConfig;
  readonly #weights: Map<string, Float32Array>;
  readonly #options: TwinOptions;
  readonly #cache: Map<number, Cached>[]; // per lane, by position
  readonly #remainders: Remainder[][]; // per lane
  readonly #queries: number[][][][]; // per lane and head of its group: all so far, before they are rotated
  #longest = 0; // live tokens of the longest lane

  constructor(config: ModelConfig, weights: Map<string, Float32Array>, options: TwinOptions) {
    const { layers, kvHeads } = config;
    const { allocation, budget, least, stride, rule, window } = options;
    const group = (first: number, layers: number, kvHeads: number, budget: number) => {
      const part = (count = 0) => Math.floor(count * budget / options.budget);
      const [unsettled, peaks] = [part(rule.unsettled), part(rule.peaks)];
      const shape = { layers, kvHeads, capacity: 2 * options.budget + stride + MOST_GROWN, window };
      return {
        core: new CoreTwin(shape, { ...rule, unsettled, peaks, seed: rule.seed + first * 7919 }),
        first,
        budget,
      };
    };
    if (allocation === "uniform") this.#groups = [group(0, layers, kvHeads, budget)];
    else if (allocation === "adaptive") this.#groups = range(layers * kvHeads).map((lane) => group(lane, 1, 1, budget));
    else {
      // From as much above the budget as the last is below; what rounding down loses goes to the first layers.
      const parts = range(layers).map((i) =>
        Math.floor(2 * budget - least - (2 * (budget - least) * i) / (layers - 1))
      );
      for (let i = 0; parts.reduce((a, b) => a + b) < budget * layers; i++) parts[i]++;
      this.#groups = parts.map((part, i) => group(i * kvHeads, 1, kvHeads, part));
    }
    this.#config = config;
    this.#weights = weights;
    this.#options = options;
    this.#cache = range(layers * kvHeads).map(() => new Map());
    this.#remainders = range(layers * kvHeads).map(() => []);
    this.#queries = range(layers * kvHeads).map(() => range(config.heads / kvHeads).map(() => []));
  }

  /** Takes in a prompt in chunks; answers the logits behind it. @param evicts false: nothing goes */
  read(ids: number[], evicts = true): number[] {
    let logits: number[] = [];
    for (let begin = 0; begin < ids.length; begin += this.#options.stride) {
      logits = this.#chunk(ids.slice(begin, begin + this.#options.stride), evicts);
    }
    return logits;
  }

  livePositions(): number[][] {
    return this.#groups.flatMap(({ core }) => core.lanes).map(({ tokens }) => tokens.map(({ position }) => position));
  }

  pin(from: number, to: number): void {
    for (const { core } of this.#groups) core.pin(from, to);
  }

  /** A lane's tokens, and the group that keeps them. */
  #laneOf(lane: number) {
    const group = this.#groups.find(({ core, first }) => lane >= first && lane < first + core.lanes.length)!;
    return { group, inGroup: lane - group.first };
  }

  /**
   * A lane gets as many slots as it has tokens above a threshold, within bounds (see src/eviction/allocation.ts): the lowest of the
   * layer's scores that does not give too many. What is left goes round.
   */
  #shareAnew(): void {
    const { kvHeads } = this.#config;
    const { budget, least } = this.#options;
    const most = Math.min(2 * budget, budget * kvHeads - least * (kvHeads - 1));
    for (let first = 0; first < this.#groups.length; first += kvHeads) {
      const layer = this.#groups.slice(first, first + kvHeads);
      const scores = layer.map((group) => group.core.lanes[0].tokens.map((token) => this.#worth(group, 0, token)));
      const parts = (threshold: number) => {
        const above = scores.map((mine) => mine.filter((score) => score > threshold).length);
        return above.map((count, head) => Math.min(most, Math.max(count, Math.min(least, scores[head].length))));
      };
      const sum = (parts: number[]) => parts.reduce((a, b) => a + b, 0);
      const thresholds = [-Infinity, ...scores.flat()].sort((a, b) => a - b);
      const chosen = parts(thresholds.find((one) => sum(parts(one)) <= budget * kvHeads)!);
      for (let head = 0; sum(chosen) < budget * kvHeads; head = (head + 1) % kvHeads) {
        if (chosen[head] < most) chosen[head]++;
      }
      layer.forEach((group, head) => group.budget = chosen[head]);
    }
  }

  /** What a token of a group's lane is worth. */
  #worth({ core, first }: Group, lane: number, token: TwinToken): number {
    const { score } = this.#options;
    if (!score) return core.score(lane, token);
    const ranked = this.#options.positions === "cache";
    const { ropes, layerRopes, kvHeads } = this.#config;
    const { frequencies: rope, scale } = ropes[layerRopes[Math.floor((first + lane) / kvHeads)]];
    const past = { queries: this.#queries[first + lane], rope, scale, factor: this.#config.attentionScale, ranked };
    return Math.fround(score(core, lane, token, this.#cache[first + lane], past));
  }

  #chunk(ids: number[], evicts: boolean): number[] {
    const first = this.#groups[0].core.seen;
    this.#longest = Math.max(...this.#groups.map(({ core }) => core.live));
    for (const { core } of this.#groups) core.claim(ids.length);
    const books = this.#groups.map(({ core }) => new Float64Array(3 * core.lanes.length * core.capacity)); // Σp, Σp², last p
    let logits: number[] = [];
    ids.forEach((id, j) => {
      for (const rows of books) rows.fill(0, rows.length / 3 * 2); // what this query does not see has no p of it
      this.#longest++;
      logits = this.#token(id, first + j, (lane, position, p) => {
        const { group, inGroup } = this.#laneOf(lane);
        const { core } = group;
        const token = core.lanes[inGroup].tokens.find((one) => one.position === position)!;
        const at = inGroup * core.capacity + token.slot;
        const rows = books[this.#groups.indexOf(group)];
        const plane = rows.length / 3;
        rows[at] += p;
        rows[plane + at] += p * p;
        rows[2 * plane + at] = p;
      });
    });
    this.#groups.forEach(({ core }, i) => core.observe(ids.length, Float32Array.from(books[i])));
    this.#unshared += ids.length;
    if (this.#options.allocation === "adaptive" && this.#unshared >= this.#options.stride) {
      this.#shareAnew();
      this.#unshared = 0;
    }
    const slots = this.#groups.flatMap(({ core }) => core.lanes)
      .map(({ tokens }) => new Map(tokens.map(({ position, slot }) => [position, slot])));
    for (const group of this.#groups) {
      const { core, budget } = group;
      const given = this.#options.score && ((lane: number, token: TwinToken) => this.#worth(group, lane, token));
      core.evict(evicts ? Math.max(0, core.live - budget) : 0, given);
    }
    this.livePositions().forEach((positions, lane) => {
      const live = new Set(positions);
      const gone = [...this.#cache[lane].keys()].filter((position) => !live.has(position));
      const slotOf = (position: number) => slots[lane].get(position)!;
      for (const position of gone.sort((a, b) => slotOf(a) - slotOf(b))) {
        this.#fold(lane, this.#cache[lane].get(position)!);
        this.#cache[lane].delete(position);
      }
    });
    return logits;
  }

  /** What goes is a mean of its own, and where these are too many, the two become one that this moves least. */
  #fold(lane: number, { key, value }: Cached): void {
    const all = this.#remainders[lane];
    const { positions, foldRank = 0, foldMost = Infinity, remainder = 0 } = this.#options;
    if (remainder === 0) return;
    const token = { key: positions === "cache" ? this.#rotate(lane, key, foldRank) : key, value, weight: 1 };
    all.push([token]);
    if (all.length <= remainder) return;
    const pairs = range(all.length).flatMap((j) => range(j).map((i) => [i, j]));
    const moves = pairs.map(([i, j]) => wayOf([...all[i], ...all[j]]) - wayOf(all[i]) - wayOf(all[j]));
    const [i, j] = pairs[moves.indexOf(Math.min(...moves))];
    if (j === remainder) lighten(all[i], foldMost - 1); // the token itself weighs 1
    all[i].push(...all[j]);
    lighten(all[i], foldMost);
    all.splice(j, 1);
  }

  #token(id: number, position: number, observe: (lane: number, position: number, p: number) => void): number[] {
    const { layers, hidden, heads, kvHeads, headDim, vocab, tied, norms, qkNorm } = this.#config;
    const { embeddingScale, attentionScale, residualScale, logitScale, scoreCap, logitCap } = this.#config;
    const group = heads / kvHeads;
    let x = Array.from(this.#row("model.embed_tokens.weight", id, hidden), (value) => embeddingScale * value);
    for (let layer = 0; layer < layers; layer++) {
      const at = `model.layers.${layer}`;
      const h = norms === "behind" ? x : this.#norm(x, `${at}.input_layernorm.weight`);
      const project = (name: string, count: number) => {
        const norm = `${at}.self_attn.${name}_norm.weight`;
        const product = this.#multiply(`${at}.self_attn.${name}_proj`, h, count * headDim);
        const all = qkNorm === "all heads" && name !== "v" ? this.#norm(product, norm) : product;
        const split = range(count).map((head) => all.slice(head * headDim, (head + 1) * headDim));
        return qkNorm === "each head" && name !== "v" ? split.map((head) => this.#norm(head, norm)) : split;
      };
      const [queries, keys, values] = [project("q", heads), project("k", kvHeads), project("v", kvHeads)];
      const mixed: number[] = [];
      for (let kv = 0; kv < kvHeads; kv++) {
        const lane = layer * kvHeads + kv;
        const cache = this.#cache[lane];
        const { kv: kind, positions } = this.#options;
        const ranked = positions === "cache";
        const key = ranked ? keys[kv] : this.#rotate(lane, keys[kv], position);
        cache.set(position, { key: stored(key, kind), value: stored(values[kv], kind) });
        const window = this.#config.windows[layer];
        const live = [...cache.keys()]; // ascending
        const place = (one: number) => ranked ? live.indexOf(one) : one;
        const keyOf = (one: number) =>
          ranked ? this.#rotate(lane, cache.get(one)!.key, place(one)) : cache.get(one)!.key;
        const seen = live.filter((one) => window === 0 || place(position) - place(one) < window);
        queries.slice(kv * group, (kv + 1) * group).forEach((query, g) => this.#queries[lane][g].push(query));
        const mean = seen.map(() => 0); // or, where asked for, the maximum
        for (const query of queries.slice(kv * group, (kv + 1) * group)) {
          const q = this.#rotate(lane, query, place(position));
          const sums = this.#remainders[lane];
          const scores = seen.map((one) => capped(attentionScale * dot(q, keyOf(one)), scoreCap));
          // Remainders stand at one rank of the longest lane.
          const far = ranked ? this.#rotate(lane, query, this.#longest - 1) : q;
          for (const one of sums) {
            scores.push(capped(attentionScale * dot(far, meanOf(one, "key")), scoreCap) + Math.log(weightOf(one)));
          }
          const top = Math.max(...scores);
          const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
          const p = scores.map((score) => Math.exp(score - top) / total);
          const maximum = this.#options.aggregate === "max";
          mean.forEach((_, i) => mean[i] = maximum ? Math.max(mean[i], p[i]) : mean[i] + p[i] / group);
          const summed = sums.map((one) => meanOf(one, "value"));
          for (let d = 0; d < headDim; d++) {
            const slots = seen.reduce((sum, one, i) => sum + p[i] * cache.get(one)!.value[d], 0);
            mixed.push(summed.reduce((sum, value, i) => sum + p[seen.length + i] * value[d], slots));
          }
        }
        seen.forEach((one, i) => observe(lane, one, mean[i]));
      }
      const behind = (part: number[], name: string) =>
        norms === "before" ? part : this.#norm(part, `${at}.${name}.weight`);
      const output = this.#multiply(`${at}.self_attn.o_proj`, mixed, hidden);
      const attended = behind(output, "post_attention_layernorm");
      x = x.map((value, i) => value + residualScale * attended[i]);
      const beforeMlp = norms === "both" ? "pre_feedforward_layernorm" : "post_attention_layernorm";
      const m = norms === "behind" ? x : this.#norm(x, `${at}.${beforeMlp}.weight`);
      const { intermediate, experts } = this.#config;
      const feedForward = experts?.layers[layer]
        ? this.#experts(`${at}.mlp`, m)
        : this.#feedForward(`${at}.mlp`, m, intermediate);
      const down = behind(feedForward, "post_feedforward_layernorm");
      x = x.map((value, i) => value + residualScale * down[i]);
    }
    const head = tied ? "model.embed_tokens" : "lm_head";
    return this.#multiply(head, this.#norm(x, "model.norm.weight"), vocab).map((logit) =>
      capped(logitScale * logit, logitCap)
    );
  }

  #feedForward(at: string, x: number[], width: number): number[] {
    const up = this.#multiply(`${at}.up_proj`, x, width);
    const gate = this.#multiply(`${at}.gate_proj`, x, width);
    const gelus = this.#config.activation === "gelu";
    const inner = gate.map((g, i) => (gelus ? gelu(g) : g / (1 + Math.exp(-g))) * up[i]);
    return this.#multiply(`${at}.down_proj`, inner, x.length);
  }

  /** The sum of what the experts of the largest probabilities make of it, each by its own. */
  #experts(at: string, x: number[]): number[] {
    const { count, used, width, normed } = this.#config.experts!;
    const logits = this.#multiply(`${at}.gate`, x, count);
    const all = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const chosen = range(count).sort((a, b) => logits[b] - logits[a]).slice(0, used);
    const shares = chosen.map((expert) => Math.exp(logits[expert]) / all);
    const whole = normed ? shares.reduce((a, b) => a + b) : 1;
    const made = chosen.map((expert) => this.#feedForward(`${at}.experts.${expert}`, x, width));
    return x.map((_, i) => made.reduce((sum, one, k) => sum + shares[k] / whole * one[i], 0));
  }

  #row(name: string, row: number, width: number): Float32Array {
    return this.#weights.get(name)!.subarray(row * width, (row + 1) * width);
  }

  #multiply(name: string, x: number[], rows: number): number[] {
    const bias = this.#weights.get(`${name}.bias`);
    return range(rows).map((row) => dot(this.#row(`${name}.weight`, row, x.length), x) + (bias ? bias[row] : 0));
  }

  #norm(x: number[], name: string): number[] {
    const scale = 1 / Math.sqrt(dot(x, x) / x.length + this.#config.rmsEps);
    return x.map((value, i) => value * scale * this.#weights.get(name)![i]);
  }

  #rotate(lane: number, head: number[], position: number): number[] {
    const { ropes, layerRopes, kvHeads } = this.#config;
    const { frequencies: rope, scale } = ropes[layerRopes[Math.floor(lane / kvHeads)]];
    const half = rope.length;
    return head.map((value, i) => {
      const angle = position * rope[i % half];
      const other = i < half ? -head[i + half] : head[i - half];
      const turned = value * Math.cos(angle) + other * Math.sin(angle);
      return rope[i % half] === 0 ? value : scale * turned;
    });
  }
}
