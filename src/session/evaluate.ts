/** Reads a text and gives back everything the model computed of it: for checks against references. */
import type { KvType } from "../engine/kv.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkPromptIds, checkSession } from "../options/index.ts";
import { refuseLogits } from "./numbers.ts";
import { Stepper } from "./stepper.ts";

/** Logits and hidden states of every token of a text. */
export interface Evaluation {
  readonly logits: Float32Array; // [tokens, vocab]
  /** The embeddings, then each layer's output, the last one after the final norm: [layers + 1, tokens, hidden]. */
  readonly hidden: Float32Array;
}

/**
 * Runs `ids` through a full cache in chunks of `stride`, K and V stored as `kv` says.
 * @throws RangeError for an id outside the vocabulary or an empty list; Error where a logit is not finite
 */
export async function evaluate(
  model: LoadedModel,
  ids: ArrayLike<number>,
  stride = 16,
  kv: KvType = "f32",
): Promise<Evaluation> {
  const { vocab, hidden: width, layers } = model.config;
  const prompt = checkPromptIds(ids, vocab);
  const options = checkSession({ policy: "full", stride, kv });
  const stepper = new Stepper(model, options, { slots: prompt.length, every: true, hidden: true });
  const stages = layers + 1;
  try {
    const logits = new Float32Array(prompt.length * vocab);
    const hidden = new Float32Array(stages * prompt.length * width);
    const chunk = new Float32Array(stages * stride * width); // [stages, count, width]
    for (let begin = 0; begin < prompt.length; begin += stride) {
      const count = Math.min(stride, prompt.length - begin);
      await stepper.step({ ids: prompt, begin, count }, "id");
      const found = logits.subarray(begin * vocab, (begin + count) * vocab);
      await stepper.context.read(count, found, chunk);
      if (!found.every(Number.isFinite)) refuseLogits();
      for (let stage = 0; stage < stages; stage++) {
        const rows = chunk.subarray(stage * count * width, (stage + 1) * count * width);
        hidden.set(rows, (stage * prompt.length + begin) * width);
      }
    }
    return { logits, hidden };
  } finally {
    stepper.release();
  }
}
