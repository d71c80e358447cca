// The files of a model's folder as a picker gives them, for tests of what is in them.
import { readBytes, repoPath } from "./files.ts";

/** What a folder has, as far as tests go. */
export const MODEL_FILES = [
  ...["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
];

export type Bytes = Uint8Array<ArrayBuffer>;
/** What some of the files are to be instead, by name. */
export type Changes = Record<string, (bytes: Bytes) => Bytes | string>;

/** The files, some of them changed. @param folder of the repository */
export async function modelFiles(folder: string, changes: Changes = {}): Promise<File[]> {
  return await Promise.all(MODEL_FILES.map(async (name) => {
    const bytes = await readBytes(repoPath(`${folder}/${name}`));
    return new File([changes[name] ? changes[name](bytes) : bytes], name);
  }));
}

/** A change of an object in JSON. */
export const json = (change: (value: Record<string, unknown>) => void) => (bytes: Bytes): string => {
  const value = JSON.parse(new TextDecoder().decode(bytes));
  change(value);
  return JSON.stringify(value);
};
