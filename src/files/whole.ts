/** Files that are read as a whole: JSON, templates, tokenizers; and whatever of a file must have a form. */
import { KvcapError } from "../errors.ts";
import { checkLength, parseJson } from "./checks.ts";
import type { Source } from "./source.ts";

/** All bytes of a file. @throws Error where it has more than one of its name may; none is read then */
export async function readWhole(source: Pick<Source, "size" | "read">, file: string) {
  const bytes = await source.size(file);
  checkLength(file, bytes);
  return await source.read(file, 0, bytes);
}

/** What a JSON file says. @throws Error, as `parsed` */
export function readJson(source: Source, file: string): Promise<unknown> {
  return parsed(source, file, async () => parseJson(await source.text(file), file));
}

/** What `parse` makes of a file. One of the cache that has not the form it must have is brought once more. @throws Error */
export async function parsed<T>(source: Source, file: string, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    const formless = error instanceof KvcapError && error.code === "bad-file";
    if (!formless || !(await source.renew?.(file))) throw error;
    return await parse();
  }
}
