/** What a generation did, in numbers. */

import type { Device } from "../engine/engine.ts";
import { ruleName } from "../eviction/rule.ts";
import { slotBytes } from "../memory/sizes.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import type { Stepper } from "./stepper.ts";

/** Numbers of one generation. Slots are per lane; bytes are of K and V; times are milliseconds. */
export interface Report {
  /** The policy, what was put in place of its parts, and the remainder where there is one. */
  readonly policy: string;
  /** Live slots per lane after a step; for a full cache, the slots it holds. */
  readonly budget: number;
  /** Tokens of the prompt that were taken in. */
  readonly promptTokens: number;
  /** Tokens generated, an end-of-sequence that ended them not included. */
  readonly newTokens: number;
  /** The ids generated, an end-of-sequence that ended them not included; kept, so they alone grow with the text. */
  readonly ids: number[];
  /** Why it ended: the length asked for, the end (the model's, or of a grammar that can go on no more), a stop string or id, or the caller (also while it is running). */
  readonly ended: "length" | "end" | "stop" | "caller";
  /** How ids were chosen, and which file of the model says so: "temperature 0.6, top-p 0.95 from generation_config.json", "greedy". */
  readonly sampling: string;
  /** Live slots per lane now. */
  readonly liveSlots: number;
  /** Most live slots during any step of the session, that step's own tokens included. */
  readonly maxLiveSlots: number;
  /** Bytes of K and V, and of the remainder, held for this session, from its first step to its last. */
  readonly kvBytes: number;
  /** Of these, bytes of K and V in live slots now. */
  readonly usedKvBytes: number;
  /** Bytes that the tokens taken in so far would need without eviction. */
  readonly fullKvBytes: number;
  /** Tokens evicted from each lane. */
  readonly evictions: number;
  /** Tokens per second of decoding: the prompt's time and the caller's between pieces left out; 0 without a decode step. */
  readonly tokensPerSecond: number;
  /** The mean decode step: all of it, waiting for the device's answer, Wasm bookkeeping, and the rest (text and sampling too). */
  readonly stepMs: { readonly total: number; readonly wait: number; readonly wasm: number; readonly other: number };
  /** Milliseconds to read the prompt. */
  readonly prefillMs: number;
  /** What computed, and why that was chosen. */
  readonly device: Device;
  /** As it calls itself: the GPU's adapter, or the build and threads of the processor's pass. */
  readonly adapter: string;
}

/** What is counted while a generation runs. */
export interface Counts {
  promptTokens: number; // taken in
  ids: number[];
  ended: Report["ended"];
  sampling: string;
  prefillMs: number;
  decoding: boolean; // the first token is there
  decodeMs: number; // since then, the caller's time between pieces left out
  steps: number; // decode steps
  clockBefore: { total: number; wait: number; wasm: number }; // the stepper's clock when decoding began
}

/** A generation that has not begun. */
export function newCounts(sampling = "greedy"): Counts {
  const clockBefore = { total: 0, wait: 0, wasm: 0 };
  return {
    promptTokens: 0,
    ids: [],
    ended: "caller",
    sampling,
    prefillMs: 0,
    decoding: false,
    decodeMs: 0,
    steps: 0,
    clockBefore,
  };
}

/** What a report is of. */
interface Reported {
  readonly model: LoadedModel;
  readonly options: CheckedSession;
  readonly stepper: Stepper | null;
  readonly seen: number;
  readonly counts: Counts;
}

/** Numbers of a session's last generation, or of the one that is running. */
export function reportOf({ model: { config, engine, device }, options, stepper, seen, counts }: Reported): Report {
  const liveSlots = stepper?.books.live ?? 0;
  const clock = stepper?.clock ?? { wait: 0, wasm: 0 };
  const per = (ms: number) => counts.steps > 0 ? ms / counts.steps : 0;
  const total = per(counts.decodeMs);
  const wait = per(clock.wait - counts.clockBefore.wait);
  const wasm = per(clock.wasm - counts.clockBefore.wasm);
  return {
    policy: ruleName(options),
    budget: options.budget || (stepper?.slots ?? 0),
    liveSlots,
    maxLiveSlots: stepper?.peak ?? 0,
    kvBytes: stepper?.memory.kv ?? 0,
    usedKvBytes: liveSlots * slotBytes(config, options.kv),
    fullKvBytes: seen * slotBytes(config, options.kv),
    evictions: seen - liveSlots,
    device,
    adapter: engine.adapter,
    promptTokens: counts.promptTokens,
    newTokens: counts.ids.length,
    ids: counts.ids.slice(),
    ended: counts.ended,
    sampling: counts.sampling,
    tokensPerSecond: total > 0 ? 1000 / total : 0,
    stepMs: { total, wait, wasm, other: Math.max(0, total - wait - wasm) },
    prefillMs: counts.prefillMs,
  };
}
