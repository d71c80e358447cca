// What is timed: every way to run a model, on every prompt.
import type { Host } from "./child.ts";
import type { Job } from "./measure.js";
import type { Prompt, TimedModel } from "./models.ts";

/** A way to run models. */
export interface Setup {
  name: string;
  peer: Job["peer"];
  host: Host;
  device: Job["device"];
  threads: number;
  budget: number; // slots per lane; 0: a full cache
}

/** A setup on a model and a prompt. */
export interface Case {
  name: string;
  setup: Setup;
  model: TimedModel;
  prompt: number; // tokens
  behind: Prompt["behind"];
  job: Job;
}

/** Slots per lane under RoCo. */
export const BUDGET = 256;

/** How much is timed. */
export interface Amount {
  newTokens: number;
  gpuTokens: number; // of WebGPU, whose software takes long
  runs: number; // generations after the first
}

/** Every setup, on one thread and on `most`. */
export function setups(most: number): Setup[] {
  const threads = most > 1 ? [1, most] : [1];
  const budgets = [0, BUDGET];
  const cached = (name: string, budget: number) => budget ? `${name} roco-${budget}` : name;
  const kvcap = (host: "Deno" | "Chromium") =>
    budgets.flatMap((budget) =>
      threads.map((threads): Setup => ({
        name: cached(`kvcap ${host} wasm-${threads}`, budget),
        ...{ peer: "kvcap", host, device: "wasm", threads, budget },
      }))
    );
  const others = (name: string, fixed: Pick<Setup, "peer" | "host" | "device">) =>
    threads.map((threads): Setup => ({ name: `${name}-${threads}`, ...fixed, threads, budget: 0 }));
  return [
    ...kvcap("Deno"),
    ...budgets.map((budget): Setup => ({
      name: cached("kvcap Deno webgpu", budget),
      ...{ peer: "kvcap", host: "Deno", device: "webgpu", threads: 1, budget },
    })),
    ...kvcap("Chromium"),
    ...others("llama.cpp Node native", { peer: "llama.cpp", host: "Node", device: "native" }),
    ...others("wllama Chromium wasm", { peer: "wllama", host: "Chromium", device: "wasm" }),
    ...others("transformers.js Chromium wasm", { peer: "transformers.js", host: "Chromium", device: "wasm" }),
  ];
}

const LIMIT_MS = 900_000; // of a process

/** The cases of a model, one prompt after the other. */
export function casesOf(model: TimedModel, prompts: Prompt[], chosen: Setup[], amount: Amount): Case[] {
  return prompts.flatMap((prompt) =>
    chosen.flatMap((setup): Case[] => {
      const { peer, device, threads, budget } = setup;
      const file = peer === "transformers.js" ? model.onnx : model.gguf;
      if (file === null) return [];
      const gpu = device === "webgpu";
      const amounts = { newTokens: gpu ? amount.gpuTokens : amount.newTokens, runs: gpu ? 0 : amount.runs };
      const { ids, text, behind } = prompt;
      const job = { peer, file, device, threads, budget, ids, text, ...amounts, limitMs: LIMIT_MS };
      const name = `${model.name} ${ids.length} ${setup.name}`;
      return [{ name, setup, model, prompt: ids.length, behind, job }];
    })
  );
}
