/** Texts as vectors: hidden states of a layer, every text read from its beginning under full attention. */
import { quote, refuse, words } from "../errors.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkPromptIds, checkSession, checkText } from "../options/index.ts";
import { type CheckedEmbed, checkEmbed, type EmbedOptions } from "../options/embed.ts";
import { refuseLogits } from "./numbers.ts";
import { Stepper } from "./stepper.ts";

/** A text, or its ids as they are. */
export type Embedded = string | ArrayLike<number>;

const STRIDE = 64; // tokens read at once
const ACTION = "embed";

/**
 * A vector for each text. K and V are kept in f32, for as many tokens as the longest text has, and given back in the end.
 * @param check throws where the model can no longer be used: it may be disposed of between two steps
 * @returns for each text [hidden], or with the pooling "none" [tokens, hidden]
 * @throws RangeError for bad options, a text without tokens or with more than the model has positions; the signal's reason
 */
export async function embed(
  model: LoadedModel,
  texts: string | readonly Embedded[],
  options: EmbedOptions,
  check: () => void,
): Promise<Float32Array<ArrayBuffer>[]> {
  const asked = checkEmbed(options, model.config.layers);
  const all = idsOf(model, texts);
  if (all.length === 0) return [];
  const most = Math.max(...all.map((ids) => ids.length));
  const stride = Math.min(STRIDE, most);
  const checked = checkSession({ policy: "full", stride, kv: "f32" });
  const make = () => new Stepper(model, checked, { slots: most, hidden: true });
  const { made: stepper, refused } = model.engine.guarded(make);
  try {
    const failure = await refused;
    if (failure) {
      const rule = `the device must hold ${stepper.memory.gpu} bytes`;
      refuse(ACTION, rule, quote(failure), { kind: "plain", code: "no-memory" });
    }
    const total = all.reduce((sum, ids) => sum + ids.length, 0);
    const states = new Float32Array(stride * model.config.hidden); // of a chunk
    const found: Float32Array<ArrayBuffer>[] = [];
    let done = 0;
    for (const ids of all) {
      const pool = poolOf(asked, ids.length, model.config.hidden);
      for (let begin = 0; begin < ids.length; begin += stride) {
        check();
        asked.signal?.throwIfAborted();
        const count = Math.min(stride, ids.length - begin);
        await stepper.step({ ids, begin, count }, "id");
        const last = begin + count === ids.length;
        if (asked.pooling !== "last" || last) {
          await stepper.context.states(count, asked.layer, states);
          pool.take(states, count);
        }
        asked.onProgress(done += count, total);
      }
      found.push(pool.vector());
      stepper.reset();
    }
    return found;
  } catch (error) {
    check();
    throw error;
  } finally {
    stepper.release();
  }
}

/** The ids of all texts. @throws KvcapRangeError, KvcapTypeError for what is none */
function idsOf({ tokenizer, config }: LoadedModel, texts: string | readonly Embedded[]): number[][] {
  const list = typeof texts === "string" ? [texts] : texts;
  if (!Array.isArray(list)) refuse(ACTION, "texts must be a text or a list of texts", texts, { kind: "type" });
  return list.map((text: Embedded) => {
    checkText(ACTION, "a text", text);
    const ids = typeof text === "string" ? tokenizer.encode(text, { bos: true, special: true }) : text;
    const { maxPositions: most } = config;
    if (ids.length === 0) refuse(ACTION, "a text must have at least one token", words("none"), { code: "bad-input" });
    if (ids.length > most) {
      refuse(ACTION, `a text must have at most the model's ${most} tokens`, ids.length, { code: "bad-input" });
    }
    return checkPromptIds(ids, config.vocab);
  });
}

/** Takes hidden states of a text's tokens, chunk by chunk, [count, width]. */
interface Pool {
  take(states: Float32Array, count: number): void;
  vector(): Float32Array<ArrayBuffer>;
}

function poolOf({ pooling, normalize }: CheckedEmbed, tokens: number, width: number): Pool {
  const sums = new Float64Array(pooling === "none" ? tokens * width : width);
  let taken = 0;
  const take = (states: Float32Array, count: number) => {
    for (let t = 0; t < count; t++, taken++) {
      const to = pooling === "none" ? taken * width : 0;
      if (pooling === "last") sums.fill(0);
      for (let i = 0; i < width; i++) sums[to + i] += states[t * width + i];
    }
  };
  const vector = () => {
    if (pooling === "mean") { for (let i = 0; i < width; i++) sums[i] /= tokens; }
    if (!sums.every(Number.isFinite)) refuseLogits();
    for (let at = 0; normalize && at < sums.length; at += width) unit(sums.subarray(at, at + width));
    return Float32Array.from(sums);
  };
  return { take, vector };
}

/** Divides a vector by its length; one of zeros stays. */
function unit(vector: Float64Array): void {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) || 1;
  for (let i = 0; i < vector.length; i++) vector[i] /= length;
}
