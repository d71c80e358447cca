// kvcap, in Deno and in a page's worker. `library`: where its bundle is.

/** @param {string} library */
export const opener = (library) => async (/** @type {import("../measure.js").Job} */ job) => {
  const { load } = await import(library);
  const model = await load(job.file, {
    device: job.device,
    ...job.device === "wasm" ? { threads: job.threads } : {},
  });
  const options = job.budget ? { policy: "roco", budget: job.budget } : { policy: "full" };
  /** @type {number[]} */
  const gaps = [];
  const onLogits = (/** @type {Float32Array} */ logits) => {
    let [first, second] = [-Infinity, -Infinity];
    for (const logit of logits) {
      if (logit > first) [first, second] = [logit, first];
      else if (logit > second) second = logit;
    }
    gaps.push(first - second);
  };
  return {
    note: model.adapter,
    gaps,
    async generate(
      /** @type {number[]} */ ids,
      /** @type {number} */ newTokens,
      /** @type {() => void} */ onToken,
    ) {
      const session = model.session(options);
      const generate = {
        maxNewTokens: newTokens,
        temperature: 0,
        banned: model.config.eosIds,
        onToken,
        ...job.gaps ? { onLogits } : {},
      };
      for await (const _ of session.generate(ids, generate));
      const chosen = session.report().ids;
      session.dispose();
      return chosen;
    },
  };
};
