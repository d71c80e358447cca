// @huggingface/transformers in a page's worker, on ONNX Runtime's Wasm.

/** @param {string} library where its bundle is, and the runtime's Wasm beside it in `ort/` */
export const opener = (library) => async (/** @type {import("../measure.js").Job} */ job) => {
  const { AutoModelForCausalLM, Tensor, env } = await import(library);
  const file = new URL(job.file);
  const cut = file.pathname.lastIndexOf("/");
  Object.assign(env, { allowRemoteModels: false, allowLocalModels: true });
  env.localModelPath = `${file.origin}${file.pathname.slice(0, cut + 1)}`;
  env.backends.onnx.wasm.wasmPaths = new URL("ort/", library).href;
  env.backends.onnx.wasm.numThreads = job.threads;
  const model = await AutoModelForCausalLM.from_pretrained(
    file.pathname.slice(cut + 1),
    { dtype: "fp32", device: "wasm" },
  );
  return {
    note: `ONNX Runtime Web, ${env.backends.onnx.wasm.numThreads} threads`,
    async generate(
      /** @type {number[]} */ ids,
      /** @type {number} */ newTokens,
      /** @type {() => void} */ onToken,
    ) {
      const dims = [1, ids.length];
      const inputs = new Tensor("int64", BigInt64Array.from(ids, BigInt), dims);
      const attention_mask = new Tensor("int64", new BigInt64Array(ids.length).fill(1n), dims);
      /** @type {number[]} */
      const chosen = [];
      let prompt = true; // which the streamer hears first
      const streamer = {
        put(/** @type {bigint[][]} */ [[id]]) {
          if (!prompt) {
            chosen.push(Number(id));
            onToken();
          }
          prompt = false;
        },
        end() {},
      };
      const lengths = { max_new_tokens: newTokens, min_new_tokens: newTokens }; // no end before that
      await model.generate({ inputs, attention_mask, ...lengths, do_sample: false, streamer });
      return chosen;
    },
  };
};
