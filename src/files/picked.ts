/** Model files that a person picked or dropped: a folder's, or a GGUF file's. They are read where they are, in ranges. */
import { messageOf, words } from "../errors.ts";
import { checkRange, decodeText, refuseFile } from "./checks.ts";
import type { Source } from "./source.ts";
import { readWhole } from "./whole.ts";

/** Files as a picker gives them. A picked folder's have their path in it, which begins with the folder's own name. */
export type PickedFiles = Iterable<File>;

/** Whether `where` is such files. */
export function isPicked(where: unknown): where is PickedFiles {
  return typeof where === "object" && where !== null && Symbol.iterator in where;
}

/**
 * @returns the files as a source, and the names of those that are GGUF files
 * @throws RangeError where these are no files
 */
export function pickedSource(given: PickedFiles): { source: Source; ggufs: string[] } {
  const list = [...given];
  const stranger = list.find((file) => !(file instanceof File));
  if (list.length === 0 || stranger) refuseFile("the model must be at least one file", stranger, { code: "bad-input" });
  const files = new Map(list.map((file) => [nameOf(file), file]));
  const ggufs = [...files.keys()].filter((name) => /\.gguf$/i.test(name));

  const find = (name: string) => {
    const file = files.get(name);
    if (!file) refuseFile(`among the files must be ${name}`, words([...files.keys()].slice(0, 5).join(", ")));
    return file;
  };
  const size = (name: string) => Promise.resolve(name).then((name) => find(name).size);
  const read = async (name: string, begin: number, end: number) => {
    const file = find(name);
    checkRange(name, begin, end, file.size);
    try {
      return new Uint8Array(await file.slice(begin, end).arrayBuffer());
    } catch (error) { // it was moved or changed since it was picked
      refuseFile(`${name} must be readable`, words(messageOf(error)), { code: "unreadable", cause: error });
    }
  };
  const source: Source = {
    name: list.length === 1 ? list[0].name : "the files",
    has: (name) => Promise.resolve(files.has(name)),
    size,
    read,
    text: async (name) => decodeText(await readWhole({ size, read }, name), name),
  };
  return { source, ggufs };
}

function nameOf(file: File): string {
  const path = file.webkitRelativePath || file.name;
  return path.slice(path.indexOf("/") + 1);
}
