import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openWeights } from "../../src/formats/safetensors.ts";
import { type Entry, F32, file, folder } from "../support/memory.ts";
import { refused } from "../support/refused.ts";

const format = suite("safetensors: format");

format("tensors of one file, in any order, by range", async () => {
  const header = {
    __metadata__: { format: "pt" },
    b: F32(8, 2, 3),
    a: F32(0, 2),
    none: F32(32, 0, 5),
    scalar: F32(32),
  };
  const source = folder({ "model.safetensors": file(header, 36) });
  const tensors = await openWeights(source);
  assert.equal([...tensors.keys()], ["b", "a", "none", "scalar"]);
  const b = tensors.get("b")!;
  assert.equal([b.name, b.dtype, b.shape, b.bytes], ["b", "F32", [2, 3], 24]);
  assert.equal([...await b.read()], Array.from({ length: 24 }, (_, i) => 8 + i));
  const before = source.taken;
  assert.equal([...await b.read(4, 7)], [12, 13, 14]);
  assert.is(source.taken - before, 3, "only the range is read");
  assert.is((await tensors.get("none")!.read()).length, 0);
  assert.is((await tensors.get("scalar")!.read()).length, 4);
  await refused(() => b.read(0, 25), "Cannot load model: bytes read of b must lie within its 24, got [0,25]");
  await refused(() => b.read(-1, 2), "Cannot load model: bytes read of b must lie within its 24, got [-1,2]");
});

format("spaces after the header, and data at any alignment", async () => {
  const header = JSON.stringify({ odd: { dtype: "U8", shape: [3], data_offsets: [0, 3] }, a: F32(3, 1) }) + "   ";
  const tensors = await openWeights(folder({ "model.safetensors": file(header, 7) }));
  assert.equal([...await tensors.get("a")!.read()], [3, 4, 5, 6]);
});

format("names that objects know are names like others", async () => {
  const header = `{"__proto__":${JSON.stringify(F32(0, 1))},"constructor":${JSON.stringify(F32(4, 1))}}`;
  const tensors = await openWeights(folder({ "model.safetensors": file(header, 8) }));
  assert.equal([...tensors.keys()], ["__proto__", "constructor"]);
  assert.is(({} as Record<string, unknown>).dtype, undefined);
});

format("shards", async () => {
  const weight_map = { a: "one.safetensors", b: "two.safetensors", c: "one.safetensors" };
  const source = folder({
    "model.safetensors.index.json": JSON.stringify({ metadata: {}, weight_map }),
    "one.safetensors": file({ a: F32(0, 1), c: F32(4, 1) }, 8),
    "two.safetensors": file({ b: F32(0, 2) }, 8),
  });
  const tensors = await openWeights(source);
  assert.equal([...tensors.keys()], ["a", "b", "c"]);
  assert.equal([...await tensors.get("c")!.read()], [4, 5, 6, 7]);
});

format.run();

const bad = suite("safetensors: refusals");

const one = { a: F32(0, 2) };
const entry = (more: Partial<Entry>) => ({ a: { ...F32(0, 2), ...more } });
const model = (bytes: Uint8Array<ArrayBuffer>) => folder({ "model.safetensors": bytes });

const lies: [string, Uint8Array<ArrayBuffer>][] = [
  ["model.safetensors must begin with 8 bytes of header length, got a file of 5 bytes", new Uint8Array(5)],
  ["the header of model.safetensors must begin with {, got nothing", file("", 0)],
  [
    "the header of model.safetensors must end within the file's 70 bytes, got an end at 5008",
    file(one, 8, 5000n),
  ],
  [
    "the header of model.safetensors must have at most 100000000 bytes, got 100000001",
    file(one, 8, 100_000_001n),
  ],
  [
    "the header of model.safetensors must have at most 100000000 bytes, got 18446744073709551615",
    file(one, 8, 2n ** 64n - 1n),
  ],
  ["the header of model.safetensors must begin with {, got byte 91", file("[1]", 0)],
  ["the header of model.safetensors must begin with {, got byte 239", file("\ufeff{}", 0)],
  [
    "the header of model.safetensors must be UTF-8 text, got other bytes",
    (() => {
      const bytes = file('{"?":1}', 0);
      bytes[10] = 0xff;
      return bytes;
    })(),
  ],
  ['the header of model.safetensors must name everything once, got "a"', file('{"a":{},"b":[{}],"\\u0061":{}}', 0)],
  [
    'the header of model.safetensors must name everything once, got "dtype"',
    file('{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,4]}}', 4),
  ],
  ["the entry of tensor a must be an object, got [0,8]", file({ a: [0, 8] }, 8)],
  ['the dtype of tensor a must be one of safetensors, got "F33"', file(entry({ dtype: "F33" }), 8)],
  ['the dtype of tensor a must be one of safetensors, got "constructor"', file(entry({ dtype: "constructor" }), 8)],
  ["the dtype of tensor a must be one of safetensors, got nothing", file(entry({ dtype: undefined }), 8)],
  ["the shape of tensor a must be at most 8 non-negative integers, got [-2]", file(entry({ shape: [-2] }), 8)],
  ["the shape of tensor a must be at most 8 non-negative integers, got [2.5]", file(entry({ shape: [2.5] }), 8)],
  ["the shape of tensor a must be at most 8 non-negative integers, got 2", file(entry({ shape: 2 }), 8)],
  [
    "the shape of tensor a must be at most 8 non-negative integers, got [1,1,1,1,1,1,1,1,2]",
    file(entry({ shape: [1, 1, 1, 1, 1, 1, 1, 1, 2] }), 8),
  ],
  ...([[-4, 4], [8, 0], [0.5, 8.5], [0], ["0", "8"], [0, 1e300]] as unknown[]).map(
    (offsets): [string, Uint8Array<ArrayBuffer>] => [
      `the data_offsets of tensor a must be two ascending non-negative integers, got ${JSON.stringify(offsets)}`,
      file(entry({ data_offsets: offsets }), 8),
    ],
  ),
  ["tensor a must have the 12 bytes of F32 [3], got 8", file(entry({ shape: [3] }), 8)],
  ["tensor a must have the 4 bytes of F16 [2], got 8", file(entry({ dtype: "F16" }), 8)],
  [
    "tensor a must have the 3.2451855365842665e+32 bytes of F32 [9007199254740991, 9007199254740991], got 8",
    file('{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,8]}}', 8),
  ],
  ["tensor a must end within the 8 bytes of data of model.safetensors, got 12", file({ a: F32(4, 2) }, 8)],
  ["tensor a must end within the 7 bytes of data of model.safetensors, got 8", file(one, 7)],
  [
    "tensor b must begin at 8 in model.safetensors, after a, got 4, an overlap",
    file({ a: F32(0, 2), b: F32(4, 2) }, 12),
  ],
  [
    "tensor b must begin at 8 in model.safetensors, after a, got 0, an overlap",
    file({ a: F32(0, 2), b: F32(0, 2) }, 8),
  ],
  ["tensor b must begin at 8 in model.safetensors, after a, got 12, a hole", file({ a: F32(0, 2), b: F32(12, 1) }, 16)],
  ["tensor a must begin at 0 in model.safetensors, after the header, got 4, a hole", file({ a: F32(4, 1) }, 8)],
  ["the tensors of model.safetensors must fill its 12 bytes of data, got 8 filled", file(one, 12)],
];
for (const [rule, bytes] of lies) {
  bad(rule, () => refused(() => openWeights(model(bytes)), `Cannot load model: ${rule}`));
}

bad("a header that is no JSON", () =>
  refused(
    () => openWeights(model(file('{"a":', 0))),
    /^Cannot load model: the header of model\.safetensors must be JSON, got .+/,
  ));

bad("a file cut anywhere", async () => {
  const whole = file({ a: F32(0, 2), b: F32(8, 1) }, 12);
  assert.is((await openWeights(model(whole))).size, 2);
  for (let size = 0; size < whole.length; size++) {
    await refused(() => openWeights(model(whole.slice(0, size))), /^Cannot load model: /);
  }
});

bad("no weights at all", () =>
  refused(
    () => openWeights(folder({})),
    "Cannot load model: memory must have model.safetensors or model.safetensors.index.json, got neither",
  ));

const shards = (weight_map: unknown, files: Record<string, Uint8Array<ArrayBuffer>>) =>
  openWeights(folder({ "model.safetensors.index.json": JSON.stringify({ weight_map }), ...files }));
bad("an index that lies", async () => {
  await refused(
    () => shards(["one"], {}),
    'Cannot load model: the weight_map of model.safetensors.index.json must be an object, got ["one"]',
  );
  await refused(() => shards({ a: 1 }, {}), "Cannot load model: weight_map must name the file of a, got 1");
  await refused(
    () => shards({ a: "one.safetensors" }, {}),
    "Cannot load model: memory must have the file one.safetensors, got none",
  );
  await refused(
    () => shards({ a: "one.safetensors", b: "one.safetensors" }, { "one.safetensors": file(one, 8) }),
    "Cannot load model: one.safetensors must hold b, as weight_map says, got a file without it",
  );
  await refused(
    () => shards({ a: "one", b: "two" }, { one: file(one, 8), two: file({ b: F32(0, 1), a: F32(4, 2) }, 12) }),
    "Cannot load model: tensor a must be in one shard, got two and one",
  );
});

bad.run();
