/** GGUF files that were split (llama.cpp's gguf-split): NAME-00001-of-00003.gguf has the metadata, and each some of the tensors. */
import { words } from "../../errors.ts";
import { refuseFile } from "../../files/checks.ts";
import type { Source } from "../../files/source.ts";
import { type Gguf, type Metadata, openGguf } from "./file.ts";

const PART = /^(.*-)(\d{5})-of-(\d{5})(\.gguf)$/i;
const MOST_PARTS = 1000;

/** The names of all parts of a file, by the name of any; the name alone where it is not that of a part. @throws RangeError */
export function partsOf(file: string): string[] {
  const [, before, at, of, behind] = PART.exec(file) ?? [];
  if (before === undefined) return [file];
  const [part, count] = [Number(at), Number(of)];
  if (part < 1 || part > count || count > MOST_PARTS) {
    refuseFile(`a part of a split file must be named as 1 to N of N, N up to ${MOST_PARTS}`, file);
  }
  return Array.from({ length: count }, (_, i) => `${before}${String(i + 1).padStart(5, "0")}-of-${of}${behind}`);
}

/**
 * Reads the headers of a GGUF file and, where it is split, of all its parts, which lie beside it.
 * @param file the name of the file, or of any of its parts
 * @throws as openGguf, and Error or RangeError where the parts are not those of one file
 */
export async function openParts(source: Source, file: string): Promise<Gguf> {
  const names = partsOf(file);
  const { metadata: whole, tensors: own } = await openGguf(source, names[0]);
  checkPart(whole, names, 0);
  const all = new Map(own);
  for (let i = 1; i < names.length; i++) {
    const { metadata, tensors } = await openGguf(source, names[i]);
    checkPart(metadata, names, i);
    for (const [name, tensor] of tensors) {
      if (all.has(name)) refuseFile(`tensor ${name} must be in one part`, words(`another in ${names[i]}`));
      all.set(name, tensor);
    }
  }
  const count = whole.get("split.tensors.count");
  if (names.length > 1 && count !== all.size) {
    refuseFile(`split.tensors.count of ${names[0]} must be the ${all.size} of all parts`, count);
  }
  return { metadata: whole, tensors: all };
}

/** Checks what a part says of itself. */
function checkPart(metadata: Metadata, names: readonly string[], index: number): void {
  const file = names[index];
  const count = metadata.get("split.count") ?? (names.length === 1 ? 0 : undefined);
  if (names.length === 1 && (count === 0 || count === 1)) return;
  if (names.length === 1) {
    refuseFile(`${file}, a part of ${count}, must be named as it was split, NAME-00001-of-0000N.gguf`, file);
  }
  if (count !== names.length) refuseFile(`split.count of ${file} must be the ${names.length} of its name`, count);
  const number = metadata.get("split.no");
  if (number !== index) refuseFile(`split.no of ${file} must be ${index}`, number);
}
