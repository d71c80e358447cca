// @wllama/wllama in a page; it starts its own worker.

/** @param {string} library where its bundle is, and wllama.wasm beside it */
export const opener = (library) => async (/** @type {import("../measure.js").Job} */ job) => {
  const { Wllama } = await import(library);
  const wllama = new Wllama({ default: new URL("wllama.wasm", library).href }, { suppressNativeLog: true });
  const sizes = { n_ctx: 2048, n_parallel: 1 };
  await wllama.loadModelFromUrl(job.file, { ...sizes, n_threads: job.threads, n_gpu_layers: 0 });
  return {
    note: `llama.cpp ${Wllama.getLibllamaVersion()}, ${wllama.getNumThreads()} threads`,
    async generate(
      /** @type {number[]} */ ids,
      /** @type {number} */ newTokens,
      /** @type {() => void} */ onToken,
    ) {
      const greedy = { temperature: 0, top_k: 1, ignore_eos: true, cache_prompt: false };
      const stream = await wllama.createCompletion({
        prompt: job.text, // it takes no ids
        max_tokens: newTokens,
        ...greedy,
        stream: true,
        timings_per_token: true,
      });
      let text = "";
      let read = 0;
      let heard = 0;
      for await (const chunk of stream) {
        read = chunk.timings?.prompt_n ?? read;
        text += chunk.choices?.[0]?.text ?? "";
        if (heard < newTokens && !chunk.choices?.[0]?.finish_reason) {
          heard++;
          onToken();
        }
      }
      if (read !== ids.length) {
        throw new Error(`Cannot time wllama: it must read ${ids.length} tokens, got ${read}`);
      }
      return text;
    },
  };
};
