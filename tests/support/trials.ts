// Random sessions: a model, options, and turns, drawn by a seed; and what comes of one, told in full.
import type { Model } from "../../src/load.ts";
import type { Evicted } from "../../src/options/events.ts";
import type { GenerateOptions, SessionOptions } from "../../src/options/index.ts";
import { POOLS, SCOPES, SCORES } from "../../src/core/rule.ts";
import { KV_TYPES } from "../../src/engine/kv.ts";
import { ALLOCATIONS } from "../../src/policies/allocation.ts";
import { policies, type PolicyName } from "../../src/policies/index.ts";
import type { Session } from "../../src/session/session.ts";
import type { Roll } from "./damage.ts";

/** A prompt, and what is generated behind it. */
export interface Turn {
  readonly prompt: number[];
  readonly options: GenerateOptions;
}

export interface Trial {
  readonly session: SessionOptions;
  readonly turns: readonly Turn[];
}

const POLICIES = Object.keys(policies) as PolicyName[];

/** Of each option a value, which may be one that is refused beside others. */
const VALUES: { readonly [Name in keyof SessionOptions]?: (roll: Roll, budget: number) => SessionOptions[Name] } = {
  stride: (roll) => 1 + roll(40),
  spare: (roll) => 1 + roll(8),
  sinks: (roll, budget) => roll(2) === 0 ? roll(6) : { share: roll(3) / Math.max(8, budget) },
  newest: (roll) => roll(2) === 0 ? roll(8) : { share: roll(4) / 10 },
  unsettled: (roll) => roll(8),
  peaks: (roll) => roll(8),
  score: (roll) => SCORES[roll(SCORES.length)],
  scope: (roll) => SCOPES[roll(SCOPES.length)],
  window: (roll) => 1 + roll(40),
  halfLife: (roll) => 1 + roll(90),
  pool: (roll) => POOLS[roll(POOLS.length)],
  width: (roll) => 1 + 2 * roll(5),
  shared: (roll) => roll(2) === 0,
  positions: (roll) => roll(2) === 0 ? "cache" : "absolute",
  allocation: (roll) => ALLOCATIONS[roll(ALLOCATIONS.length)],
  remainder: (roll) => roll(4),
  kv: (roll) => KV_TYPES[roll(KV_TYPES.length)],
  countFrom: (roll) => roll(2) === 0 ? "eviction" : "start",
  aggregate: (roll) => roll(2) === 0 ? "max" : "mean",
  evict: (roll) => roll(2) === 0 ? "prompt" : "always",
  pinPrompt: (roll) => roll(2) === 0,
  pin: (roll) => [[roll(20), 20 + roll(6)]],
  seed: (roll) => roll(1000),
};

/** Draws a trial. Its prompts have ids below `vocab`. */
export function drawTrial(roll: Roll, vocab: number): Trial {
  const slots = 6 + roll(60);
  const budget = ([slots, slots, slots, { share: (1 + roll(9)) / 10 }, { generated: 4 + roll(30) }] as const)[roll(5)];
  const names = Object.keys(VALUES) as (keyof typeof VALUES)[];
  const chosen = names.filter(() => roll(14) === 0);
  const values = Object.fromEntries(chosen.map((name) => [name, VALUES[name]!(roll, slots)]));
  const policy = POLICIES[roll(POLICIES.length)];
  const session = { policy, ...(policy === "full" ? {} : { budget }), ...values };
  const turns = Array.from({ length: 1 + roll(3) }, (_, i) => drawTurn(roll, vocab, i === 0));
  return { session, turns };
}

function drawTurn(roll: Roll, vocab: number, first: boolean): Turn {
  const prompt = Array.from({ length: 1 + roll(roll(3) === 0 ? 120 : 30) }, () => roll(vocab));
  const sampled = roll(2) === 0;
  const options: GenerateOptions = {
    maxNewTokens: 2 + roll(14),
    stopAtEnd: false,
    ...(sampled ? { temperature: (1 + roll(20)) / 10 } : {}),
    ...(sampled && roll(3) === 0 ? { topP: 0.9, topK: 1 + roll(50) } : {}),
    ...(roll(4) === 0 ? { repetitionPenalty: 1.2, frequencyPenalty: 0.1, penaltyWindow: roll(80) } : {}),
    ...(first ? { seed: roll(1000) } : {}),
  };
  return { prompt, options };
}

/** All that tells two sessions apart. */
export interface Outcome {
  readonly ids: number[];
  /** The first 64 logits that each was chosen from, one behind the other. */
  readonly logits: Float32Array<ArrayBuffer>;
  readonly victims: string[];
  readonly live: number[][];
  /** Of the live tokens, in that order. */
  readonly scores: number[][];
}

/** A session that is watched, whichever it is by now. */
export class Watched {
  readonly model: Model;
  session: Session;
  readonly #ids: number[] = [];
  readonly #logits: number[] = [];
  readonly #victims: string[] = [];
  #heard = {}; // who listens for the session there is

  constructor(model: Model, options: SessionOptions) {
    this.model = model;
    this.session = model.session({ ...options, ...this.#listen(), exactBudget: true });
  }

  #listen() {
    const me = this.#heard = {};
    const onEvict = ({ layer, head, position, token, score }: Evicted) => {
      if (this.#heard === me) this.#victims.push(`${layer} ${head} ${position} ${token} ${score}`);
    };
    return { onEvict, onWarning: () => {} };
  }

  /** Forgets what was told so far. */
  clear(): void {
    for (const list of [this.#ids, this.#logits, this.#victims]) list.length = 0;
  }

  /** Takes a turn. @param most ids after which it is left @param between what is done then; the text goes on behind it */
  async take({ prompt, options }: Turn, most = options.maxNewTokens!, between = async () => {}): Promise<void> {
    const { maxNewTokens, seed, ...on } = options;
    await this.#say(prompt, { ...on, seed, maxNewTokens: most });
    if (most === maxNewTokens) return;
    await between();
    await this.#say("", { ...on, maxNewTokens: maxNewTokens! - most });
  }

  /** Takes a turn that is stopped behind an id, and goes on with what it still lacks. */
  async stop({ prompt, options }: Turn, most: number): Promise<void> {
    const { maxNewTokens, seed: _, ...on } = options;
    const stopper = new AbortController();
    const before = this.#ids.length;
    await this.#say(prompt, { ...options, signal: stopper.signal }, () => {
      if (this.#ids.length - before === most) stopper.abort();
    }).catch((error) => {
      if (!stopper.signal.aborted) throw error;
    });
    const left = maxNewTokens! - (this.#ids.length - before);
    if (left > 0) await this.#say("", { ...on, maxNewTokens: left });
  }

  async #say(prompt: string | number[], options: GenerateOptions, heard = () => {}): Promise<void> {
    const told: GenerateOptions = {
      onToken: (id) => {
        this.#ids.push(id);
        heard();
      },
      onLogits: (logits) => void this.#logits.push(...logits.subarray(0, 64)),
    };
    for await (const _ of this.session.generate(prompt, { ...options, ...told }));
  }

  /** Goes on in a session restored from this one's snapshot. */
  async restore(): Promise<void> {
    const bytes = await this.session.snapshot();
    this.session.dispose();
    this.session = await this.model.restore(bytes, this.#listen());
  }

  /** Goes on in a fork; the session forked from goes on otherwise. */
  async fork(): Promise<void> {
    const from = this.session;
    this.session = await from.fork(this.#listen());
    for await (const _ of from.generate("", { maxNewTokens: 3, temperature: 2, seed: 7 }));
    from.dispose();
  }

  outcome(): Outcome {
    const { session } = this;
    const views = session.laneViews();
    const scores = session.outlook().map(({ scores }, lane) => {
      const { positions } = views[lane];
      const live = [...positions.keys()].filter((slot) => positions[slot] >= 0);
      return live.sort((a, b) => positions[a] - positions[b]).map((slot) => scores[slot]);
    });
    const [ids, victims] = [[...this.#ids], [...this.#victims]];
    return { ids, logits: Float32Array.from(this.#logits), victims, live: session.livePositions(), scores };
  }
}
