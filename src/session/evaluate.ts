/** Reads a text and gives back everything the model computed of it: for checks against references. */
import { createBuffer, releaseBuffer, STORAGE } from "../gpu/device.ts";
import { createReadback, mapped } from "../gpu/readback.ts";
import type { KvType } from "../engine/kv.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkPromptIds, checkSession } from "../options/index.ts";
import { createStepper } from "./step.ts";

/** Logits and hidden states of every token of a text. */
export interface Evaluation {
  readonly logits: Float32Array; // [tokens, vocab]
  /** The embeddings, then each layer's output, the last one after the final norm: [layers + 1, tokens, hidden]. */
  readonly hidden: Float32Array;
}

/**
 * Runs `ids` through a full cache in chunks of `stride`, K and V stored as `kv` says.
 * @throws RangeError for an id outside the vocabulary or an empty list
 */
export async function evaluate(
  model: LoadedModel,
  ids: ArrayLike<number>,
  stride = 16,
  kv: KvType = "f32",
): Promise<Evaluation> {
  const { gpu, config } = model;
  const prompt = checkPromptIds(ids, config.vocab);
  const stages = config.layers + 1;
  let count = 0; // tokens of the chunk under way
  let pitch = 0; // bytes between rows of hidden states
  const captured = createBuffer(gpu, "captured", stages * stride * (config.hidden + 8) * 4, STORAGE);
  const options = checkSession({ policy: "full", stride, kv });
  const stepper = createStepper(model, options, prompt.length, true, {
    tap: (encoder, stage) => {
      const from = stage === config.layers ? stepper.forward.normed : stepper.forward.x;
      encoder.copyBufferToBuffer(from, 0, captured, stage * stride * pitch, count * pitch);
    },
  });
  pitch = stepper.forward.hiddenPitch * 4;
  const logitBytes = stride * config.vocab * 4;
  const readback = createReadback(gpu, logitBytes + captured.size);
  try {
    const logits = new Float32Array(prompt.length * config.vocab);
    const hidden = new Float32Array(stages * prompt.length * config.hidden);
    for (let begin = 0; begin < prompt.length; begin += stride) {
      count = Math.min(stride, prompt.length - begin);
      await stepper.step(prompt, begin, count, "id");
      const encoder = gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(stepper.forward.logits, 0, readback, 0, count * config.vocab * 4);
      encoder.copyBufferToBuffer(captured, 0, readback, logitBytes, captured.size);
      gpu.device.queue.submit([encoder.finish()]);
      const floats = new Float32Array(await mapped(gpu, readback, 0, readback.size));
      logits.set(floats.subarray(0, count * config.vocab), begin * config.vocab);
      for (let stage = 0; stage < stages; stage++) {
        for (let t = 0; t < count; t++) {
          const at = (logitBytes + (stage * stride + t) * pitch) / 4;
          const to = (stage * prompt.length + begin + t) * config.hidden;
          hidden.set(floats.subarray(at, at + config.hidden), to);
        }
      }
      readback.unmap();
    }
    return { logits, hidden };
  } finally {
    stepper.release();
    releaseBuffer(gpu, captured);
    releaseBuffer(gpu, readback);
  }
}
