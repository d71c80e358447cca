// The models that are timed, their files, and prompts of so many tokens.
import { refuse } from "../../src/errors.ts";
import { load } from "../../src/load.ts";
import { goldenFolders, modelFolders, repoPath } from "../../tests/support/files.ts";

/** A model: its files' paths; null where they are not on this machine. */
export interface TimedModel {
  name: string;
  weights: string;
  quantised: boolean;
  bos: boolean; // whether a text begins with a token of its own
  gguf: string | null;
  onnx: string | null; // a folder
}

const found = (folders: string[], path: string): string | null =>
  folders.map((folder) => `${folder}/${path}`).find((file) => {
    try {
      return Deno.statSync(file) !== null;
    } catch {
      return false;
    }
  }) ?? null;

export const models: TimedModel[] = [
  {
    name: "fable-2m",
    weights: "F16",
    quantised: false,
    bos: true,
    gguf: found(goldenFolders(), "gguf/fable-2m-F16.gguf"),
    onnx: found(modelFolders(), "fable-2m-onnx"),
  },
  {
    name: "smollm2-135m",
    weights: "Q4_1",
    quantised: true,
    bos: false,
    gguf: found(modelFolders(), "smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf"),
    onnx: null,
  },
];

export interface Prompt {
  ids: number[];
  text: string; // that gives these ids
  /** The text of ids behind it. */
  behind(ids: number[]): string;
}

/** Prompts of these lengths in tokens, cut from story.txt, which fable-2m wrote. */
export async function promptsOf(model: TimedModel, lengths: number[]): Promise<Prompt[]> {
  const { tokenizer, dispose } = await opened(model);
  const { bos } = model;
  try {
    const all = tokenizer.encode(Deno.readTextFileSync(repoPath("bench/peers/story.txt")), { bos });
    return lengths.map((length) => {
      const start = all.slice(0, bos ? 1 : 0);
      // Not every cut of the ids is what its text gives: the first that is, from the beginning on.
      for (
        let skip = start.length;
        skip + length - start.length <= all.length;
        skip++
      ) {
        const ids = [...start, ...all.slice(skip, skip + length - start.length)];
        const text = tokenizer.decode(ids.slice(start.length));
        const again = tokenizer.encode(text, { bos });
        if (again.length === length && again.every((id, i) => id === ids[i])) {
          const whole = tokenizer.decode(ids);
          return { ids, text, behind: (more) => tokenizer.decode([...ids, ...more]).slice(whole.length) };
        }
      }
      return refuse("time a prompt", `${model.name} has at most ${all.length} tokens of it`, length);
    });
  } finally {
    dispose();
  }
}

async function opened(model: TimedModel) {
  const loaded = await load(model.gguf!, { device: "wasm", threads: 1 });
  return { tokenizer: loaded.tokenizer, dispose: () => loaded.dispose() };
}
