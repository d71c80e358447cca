// One job in the process or page that it has for itself: opens the peer, generates, and keeps the time of every token.
// Plain JavaScript, because Deno, Node and pages run it.

/**
 * @typedef {object} Job what a process is started for
 * @property {"kvcap" | "llama.cpp" | "wllama" | "transformers.js"} peer
 * @property {string} file the model's: a path, in a page a URL
 * @property {"wasm" | "webgpu" | "native"} device
 * @property {number} threads
 * @property {number} budget slots per lane; 0: a full cache
 * @property {number[]} ids the prompt's
 * @property {string} text that gives these ids
 * @property {number} newTokens of every generation
 * @property {number} runs generations after the first, which is the warm-up; 0: the first counts
 * @property {boolean} [gaps] whether kvcap tells how close its choices are, which takes time
 * @property {number} limitMs after which the process gives up
 *
 * @typedef {object} Run
 * @property {number} prefillMs from the call to the first token
 * @property {number[]} steps milliseconds between tokens
 *
 * @typedef {object} Outcome
 * @property {number} firstMs from the start of the program or page to the first token
 * @property {number[]} ids of the first generation
 * @property {string} text of it, where the peer tells no ids
 * @property {number[]} gaps of kvcap where it is asked: by how much the logit of each id is above the next one's
 * @property {string} note what the peer says of itself
 * @property {Run[]} runs
 * @property {Record<string, number>} [sent] of a page: bytes of every file of the runtime, gzipped
 *
 * @typedef {{ note: string, gaps?: number[], generate(ids: number[], newTokens: number, onToken: () => void): Promise<number[] | string> }} Peer
 *   generates greedily; gives the new ids, or the text where it tells no ids
 */

/** Milliseconds since 1970, finer than Date's. */
export const now = () => performance.timeOrigin + performance.now();

/**
 * @param {(job: Job) => Promise<Peer>} open
 * @param {Job} job
 * @param {number} started when the program or page did, in milliseconds since 1970
 * @returns {Promise<Outcome>}
 */
export async function measure(open, job, started) {
  const peer = await open(job);
  const runs = [];
  let firstMs = 0;
  /** @type {number[] | string} */
  let made = "";
  for (let run = 0; run <= job.runs; run++) {
    /** @type {number[]} */
    const times = [];
    const begun = now();
    const chosen = await peer.generate(job.ids, job.newTokens, () => times.push(now()));
    if (times.length !== job.newTokens) {
      throw new Error(`Cannot time ${job.peer}: it must make ${job.newTokens} tokens, got ${times.length}`);
    }
    if (run === 0) [firstMs, made] = [times[0] - started, chosen];
    if (run > 0 || job.runs === 0) {
      runs.push({ prefillMs: times[0] - begun, steps: times.slice(1).map((time, i) => time - times[i]) });
    }
  }
  const [ids, text] = typeof made === "string" ? [[], made] : [made, ""];
  return { firstMs, ids, text, gaps: peer.gaps ?? [], note: peer.note, runs };
}
