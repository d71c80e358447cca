// GGUF files in parts, as gguf-py splits them: the tensors of the whole file, from disk, over http, and picked; and parts that do not fit.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openParts, partsOf } from "../../src/formats/gguf/split.ts";
import { openModel } from "../../src/model/open.ts";
import { readBytes, repoPath } from "../support/files.ts";
import { ARRAY, BOOL, changed, smallLlama, STRING, type Typed, U32, writeGguf } from "../support/gguf.ts";
import { folder } from "../support/memory.ts";
import { refused } from "../support/refused.ts";

const WHOLE = repoPath("tests/golden/gguf/tiny-qwen3-Q4_0.gguf");
const PARTS = partsOf("tiny-qwen3-Q4_0-00001-of-00004.gguf");
const part = (i: number) => repoPath(`tests/golden/gguf-split/${PARTS[i]}`);

const test = suite("gguf: split files");

async function sameAsWhole(where: string | File[]) {
  const [whole, found] = [await openModel(WHOLE), await openModel(where)];
  assert.equal(found.config, whole.config);
  assert.equal([...found.tensors.keys()].sort(), [...whole.tensors.keys()].sort());
  for (const [name, { read }] of found.tensors) assert.equal(await read(), await whole.tensors.get(name)!.read(), name);
  assert.equal(found.tokenizer.encode("Once upon a time"), whole.tokenizer.encode("Once upon a time"));
}

test("are the whole file, by the name of any part", async () => {
  for (let i = 0; i < PARTS.length; i++) await sameAsWhole(part(i));
});

test("picked, in any order", async () => {
  const files = await Promise.all(PARTS.map(async (name, i) => new File([await readBytes(part(i))], name)));
  await sameAsWhole([files[2], files[0], files[3], files[1]]);
  await refused(
    () => openModel([files[2], files[0]]),
    /^Cannot load model: among the files must be tiny-qwen3-Q4_0-00002/,
  );
  const rule = "Cannot load model: of GGUF files there must be one, or all parts of one, got ";
  const two = [files[0], new File([], "other.gguf")];
  await refused(() => openModel(two), `${rule}${JSON.stringify(two.map(({ name }) => name))}`);
});

test("names", () => {
  assert.equal(partsOf("x.gguf"), ["x.gguf"]);
  assert.equal(partsOf("a-00001-of-00001.gguf"), ["a-00001-of-00001.gguf"]);
  assert.equal(partsOf("a-00002-of-00003.GGUF")[0], "a-00001-of-00003.GGUF");
  for (const name of ["a-00000-of-00003.gguf", "a-00004-of-00003.gguf", "a-00001-of-99999.gguf"]) {
    assert.throws(() => partsOf(name), "a part of a split file must be named as 1 to N of N, N up to 1000, got");
  }
});

/** The small llama in two parts, with changes of their metadata. */
function halves(...changes: Record<string, Typed | undefined>[]) {
  const whole = smallLlama();
  const names = Object.keys(whole.tensors);
  const [one, two] = [names.slice(0, 4), names.slice(4)].map((list, i) =>
    writeGguf({
      metadata: {
        ...(i === 0 ? whole.metadata : {}),
        ...{ "split.no": [U32, i], "split.count": [U32, 2], "split.tensors.count": [U32, names.length] },
        ...changes[i],
      },
      tensors: Object.fromEntries(list.map((name) => [name, whole.tensors[name]])),
    })
  );
  return folder({ "m-00001-of-00002.gguf": one, "m-00002-of-00002.gguf": two, "plain.gguf": one });
}

test("parts that do not fit are refused", async () => {
  const [first] = ["m-00001-of-00002.gguf"];
  const { tensors } = await openParts(halves(), first);
  assert.is(tensors.size, Object.keys(smallLlama().tensors).length);
  const cases: [string, ...Record<string, Typed | undefined>[]][] = [
    ["split.count of m-00001-of-00002.gguf must be the 2 of its name, got 3", { "split.count": [U32, 3] }],
    ["split.count of m-00002-of-00002.gguf must be the 2 of its name, got nothing", {}, { "split.count": undefined }],
    ["split.no of m-00002-of-00002.gguf must be 1, got 0", {}, { "split.no": [U32, 0] }],
    ["split.no of m-00001-of-00002.gguf must be 0, got true", { "split.no": [BOOL, 1] }],
    [`split.tensors.count of ${first} must be the ${tensors.size} of all parts, got 5`, {
      "split.tensors.count": [U32, 5],
    }],
    [`split.count of ${first} must be the 2 of its name, got "2"`, { "split.count": [STRING, "2"] }],
    [`split.count of ${first} must be the 2 of its name, got [2]`, { "split.count": [ARRAY, [2], U32] }],
  ];
  for (const [rule, ...changes] of cases) {
    await refused(() => openParts(halves(...changes), first), `Cannot load model: ${rule}`);
  }
  const renamed = "plain.gguf, a part of 2, must be named as it was split, NAME-00001-of-0000N.gguf";
  await refused(() => openParts(halves(), "plain.gguf"), `Cannot load model: ${renamed}, got "plain.gguf"`);
  const twice = folder({ [first]: changed({ "split.no": [U32, 0], "split.count": [U32, 2] }) });
  await refused(
    () => openParts(twice, first),
    /^Cannot load model: memory must have the file m-00002-of-00002\.gguf, got none$/,
  );
});
test.run();
