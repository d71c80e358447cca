// The options of `npm run bench -- peers`.
import { parseArgs } from "node:util";
import { refuse } from "../../src/errors.ts";

export const help =
  `Times kvcap beside node-llama-cpp, wllama and transformers.js: on this machine, with the same files and prompts.

  npm run bench -- peers [--quick] [--rounds=N] [--only=NAME] [--model=NAME] [--prompt=N,N] [--json=FILE] [--chart=FILE]

The peers are installed into bench/peers/node_modules at the first run (npm, 1.2 GB). First every case generates
greedily once, with its memory watched; the texts are compared. Then the cases take turns, each in a fresh process or
browser, round by round: one generation to warm up, two that are timed. Medians of the rounds, with the least and the most.

  --rounds=N     rounds; default 3, under --quick 1
  --only=NAME    cases whose name has all these words, as --only="kvcap wasm-2", --only=Chromium, --only=llama.cpp
  --model=NAME   fable-2m or smollm2-135m; default both
  --prompt=N,N   tokens of the prompts; default 128,1500, under --quick 32,200
  --quick        16 new tokens instead of 128, one timed generation instead of two
  --json=FILE    writes all numbers as JSON
  --chart=FILE   writes a chart as SVG
  --list         names the cases, and times none

Files: fable-2m as GGUF is in tests/golden; SmolLM2 (smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf) and fable-2m-onnx
are looked for in $KVCAP_MODELS (default ../shared/models). What is not there is left out, and said so.`;

export interface Options {
  rounds: number;
  only: string[]; // words
  model: string | undefined;
  prompts: number[]; // tokens
  quick: boolean;
  json: string | undefined;
  chart: string | undefined;
  list: boolean;
}

/** Reads the options. @throws for an unknown one, or a value that breaks its rule */
export function optionsOf(args: string[], names: string[]): Options | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ rounds: text, only: text, model: text, prompt: text, json: text, chart: text },
      ...{ quick: flag, list: flag, help: flag },
    },
  });
  if (values.help) return "help";
  const { quick, json, chart, list, model } = values;
  const rounds = whole("rounds", values.rounds ?? (quick ? "1" : "3"));
  const prompts = (values.prompt ?? (quick ? "32,200" : "128,1500")).split(",")
    .map((n) => whole("prompt", n));
  if (model !== undefined && !names.includes(model)) {
    refuse("time the peers", `model must be one of ${names.join(", ")}`, model);
  }
  return { rounds, prompts, only: values.only?.split(/\s+/) ?? [], model, quick, json, chart, list };
}

function whole(name: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  return refuse("time the peers", `${name} must be a whole number from 1 to 9999`, text);
}
