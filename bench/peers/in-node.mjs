// A job of node-llama-cpp, in Node, on its native build for the processor: node in-node.mjs JOB STARTED, one line of JSON out.
import { readFileSync } from "node:fs";
import process from "node:process";
import { measure } from "./measure.js";

const [job, started] = process.argv.slice(2).map((text) => JSON.parse(text));
setTimeout(() => process.exit(3), job.limitMs).unref();

async function open(
  /** @type {import("./measure.js").Job} */ { file, threads, ids, newTokens },
) {
  const name = "node-llama-cpp"; // of this folder's packages, which may not be installed when types are checked
  const { getLlama, LlamaLogLevel } = await import(name);
  const native = { gpu: false, build: "never", skipDownload: true };
  const llama = await getLlama({ ...native, logLevel: LlamaLogLevel.error, maxThreads: threads });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize: 2048, threads });
  const sequence = context.getSequence();
  if (ids.length + newTokens > 2048) {
    throw new Error("Cannot time node-llama-cpp: at most 2048 tokens fit its context");
  }
  const version = JSON.parse(
    readFileSync(new URL("node_modules/node-llama-cpp/package.json", import.meta.url), "utf8"),
  );
  return {
    note:
      `node-llama-cpp ${version.version}, llama.cpp ${llama.llamaCppRelease.release}, ${context.currentThreads} threads`,
    async generate(
      /** @type {number[]} */ ids,
      /** @type {number} */ newTokens,
      /** @type {() => void} */ onToken,
    ) {
      await sequence.clearHistory();
      const chosen = [];
      for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
        chosen.push(token);
        onToken();
        if (chosen.length === newTokens) break;
      }
      return chosen;
    },
  };
}

process.stdout.write(`${JSON.stringify(await measure(open, job, started))}\n`);
process.exit(0);
