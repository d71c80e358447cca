// Weights of 8 and 64 bits: what every code means, by the formats' definitions; where scales lie; what is refused. Against torch:
// tests/golden/fp8.test.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { widen } from "../../src/engine/widen.ts";
import type { StoredTensor } from "../../src/formats/converted.ts";
import { inFull, type Scaling } from "../../src/formats/scaled.ts";
import { storedAs } from "../../src/model/stored-as.ts";
import { FILE_CODES, refused } from "../support/refused.ts";

const test = suite("safetensors: weights of 8 and 64 bits");

const PLAIN: Scaling = { dtype: "F32", block: [128, 128], scaled: false };

function stored(
  name: string,
  dtype: string,
  shape: number[],
  data: ArrayLike<number> | ArrayBuffer,
): [string, StoredTensor] {
  const bytes = new Uint8Array(data as ArrayBuffer);
  const read = (from = 0, to = bytes.length) => Promise.resolve(bytes.slice(from, to));
  return [name, { name, dtype, shape, bytes: bytes.length, read }];
}

/** The numbers of a tensor after it was made usable. */
async function numbers(tensors: [string, StoredTensor][], scaling = PLAIN, name = "a.weight") {
  const tensor = inFull(new Map(tensors), scaling).get(name)!;
  return { dtype: tensor.dtype, values: [...widen(await tensor.read(), tensor.dtype as "F32")] };
}

const ONES = new Uint8Array(6 * 4).fill(0x38); // of E4M3
const CODES = Uint8Array.from({ length: 256 }, (_, i) => i);

/** A number of one sign bit, an exponent and a fraction, as IEEE 754 reads them; NaN and infinities are looked after by the test. */
function meant(code: number, fractionBits: number, bias: number): number {
  const exponent = (code & 127) >> fractionBits, fraction = (code & (1 << fractionBits) - 1) / 2 ** fractionBits;
  const size = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
  return code & 128 ? -size : size;
}

test("every code", async () => {
  const e4m3 = await numbers([stored("a.weight", "F8_E4M3", [2, 128], CODES)]);
  const nan = (code: number) => (code & 127) === 127;
  assert.equal(e4m3, { dtype: "F16", values: [...CODES].map((code) => nan(code) ? NaN : meant(code, 3, 7)) });
  assert.is(Math.max(...e4m3.values.filter((value) => value === value)), 448);
  const e5m2 = await numbers([stored("a.weight", "F8_E5M2", [2, 128], CODES)]);
  const special = (code: number) => (code & 3 ? NaN : code & 128 ? -Infinity : Infinity);
  const values = [...CODES].map((code) => (code & 124) === 124 ? special(code) : meant(code, 2, 15));
  assert.equal(e5m2.values.map(String), values.map(String));
});

test("64 bits are rounded once", async () => {
  const wide = [1 / 3, -1e-300, 1e300, 16777217, -0, NaN];
  const found = await numbers([stored("a.weight", "F64", [1, 6], Float64Array.from(wide).buffer)]);
  assert.equal(found, { dtype: "F32", values: wide.map(Math.fround) });
  assert.ok(Object.is(found.values[4], -0));
  const scales = stored("a.weight_scale", "F32", [4, 1], Float32Array.from([65519, 65520, -70000, 2 ** -25]).buffer);
  const tensors = [stored("a.weight", "F8_E4M3", [4, 1], ONES.slice(0, 4)), scales];
  const half = await numbers(tensors, { ...PLAIN, dtype: "F16" });
  assert.equal(half, { dtype: "F16", values: [65504, Infinity, -Infinity, 0] });
});

const scale = (values: number[], shape: number[], name = "a.weight_scale") =>
  stored(name, "F32", shape, Float32Array.from(values).buffer);

test("one scale, one a row, one a block", async () => {
  const weight = stored("a.weight", "F8_E4M3", [6, 4], ONES);
  const of = async (...scales: [string, StoredTensor][]) =>
    (await numbers([weight, ...scales], { ...PLAIN, block: [4, 3] })).values;
  const rows = (...values: number[][]) => values.flat();
  assert.equal(await of(), Array(24).fill(1));
  assert.equal(await of(scale([3], [])), Array(24).fill(3));
  assert.equal(await of(scale([3], [1, 1])), Array(24).fill(3));
  const byRow = rows(...[1, 2, 3, 4, 5, 6].map((value) => Array(4).fill(value)));
  assert.equal(await of(scale([1, 2, 3, 4, 5, 6], [6, 1])), byRow);
  assert.equal(await of(scale([1, 2, 3, 4, 5, 6], [6])), byRow);
  const [upper, lower] = [[1, 1, 1, 2], [3, 3, 3, 4]];
  const byBlock = rows(upper, upper, upper, upper, lower, lower);
  assert.equal(await of(scale([1, 2, 3, 4], [2, 2], "a.weight_scale_inv")), byBlock);
  assert.equal(await of(stored("a.weight_scale_inv", "F8_E8M0", [2, 2], [127, 128, 126, 129])), [
    ...rows(...Array(4).fill([1, 1, 1, 2])),
    ...rows(...Array(2).fill([.5, .5, .5, 4])),
  ]);
});

test("what is left out, and what is not", () => {
  const weight = stored("l.self_attn.k_proj.weight", "F8_E4M3", [6, 4], ONES);
  const names = (...others: string[]) =>
    [...inFull(new Map([weight, ...others.map((name) => scale([1], [1], name))]), PLAIN).keys()].slice(1);
  const own = ["weight_scale", "weight_scale_inv", "input_scale", "input_scale_ub", "output_scale", "k_scale"];
  assert.equal(names(...own.map((name) => `l.self_attn.k_proj.${name}`)), []);
  assert.equal(names("l.self_attn.k_scale", "l.self_attn.v_scale"), []);
  const kept = ["l.self_attn.k_proj.weight_zero_point", "l.mlp.up_proj.weight_scale", "l.self_attn.k_proj.scale"];
  assert.equal(names(...kept), kept);
});

test("refusals", async () => {
  for (const dtype of ["F8_E8M0", "F8_E4M3FNUZ", "I8"]) { // left as they are: the model refuses them by name
    assert.is(inFull(new Map([stored("a.weight", dtype, [6, 4], ONES)]), PLAIN).get("a.weight")!.dtype, dtype);
  }
  const weight = stored("a.weight", "F8_E4M3", [6, 4], ONES);
  const rule = "Cannot load model: the scales of a.weight must be one, one for each of 6 rows, or [1, 1], got ";
  for (const shape of [[2], [4, 6], [1, 6], [3, 1], [0, 1], [2, 2, 2]]) {
    const scales = scale(Array(shape.reduce((a, b) => a * b)).fill(1), shape);
    await refused(() => inFull(new Map([weight, scales]), PLAIN), `${rule}[${shape.join(", ")}]`, FILE_CODES);
  }
  await refused(
    () => inFull(new Map([weight, stored("a.weight_scale", "I8", [1], [1])]), PLAIN),
    'Cannot load model: the scales of a.weight must be floats, got "I8"',
    ["unsupported"],
  );
  await refused(
    () => inFull(new Map([weight]), { ...PLAIN, scaled: true }),
    "Cannot load model: the weights must hold the scales of a.weight, got none of its name",
  );
});

test("what config.json says", async () => {
  const group = (weights: unknown) => ({ config_groups: { group_0: { weights } } });
  const tensors = { quant_method: "compressed-tensors", format: "float-quantized" };
  assert.equal(storedAs({}), PLAIN);
  assert.equal(storedAs({ torch_dtype: "float16", quantization_config: null }), { ...PLAIN, dtype: "F16" });
  const as = (how: unknown) => storedAs({ dtype: "bfloat16", quantization_config: how });
  const scaled: Scaling = { dtype: "BF16", block: [128, 128], scaled: true };
  assert.equal(as({ quant_method: "fp8", weight_block_size: null }), scaled);
  assert.equal(as({ quant_method: "fp8", weight_block_size: [64, 32] }), { ...scaled, block: [64, 32] });
  assert.equal(as({ ...tensors, ...group({ block_structure: [64, 32] }) }), { ...scaled, block: [64, 32] });
  assert.equal(as({ ...tensors, ...group({ block_structure: "64x32" }) }), { ...scaled, block: [64, 32] });
  assert.equal(as({ ...tensors, transform_config: {}, sparsity_config: { format: "dense" } }), scaled);
  assert.equal(as({ quant_method: "modelopt", quant_algo: "FP8" }), scaled);
  const others = [
    ...[3, [], {}, { quant_method: "constructor" }, { quant_method: "gptq", bits: 4 }, { quant_method: null }],
    ...[{ ...tensors, format: "pack-quantized" }, { ...tensors, transform_config: { r1: {} } }],
    ...[{ ...tensors, sparsity_config: { format: "sparse-24" } }, { quant_method: "modelopt", quant_algo: "NVFP4" }],
  ];
  for (const how of others) {
    const rule = "weights must be plain, or 8-bit floats of fp8, fbgemm_fp8, modelopt, compressed-tensors";
    const got = JSON.stringify(how).slice(0, 60).replace(/[[{}\]|]/g, "\\$&");
    await refused(() => as(how), new RegExp(`^Cannot load model: ${rule}, got ${got}`), ["unsupported"]);
  }
  for (const block of [[128], [0, 1], [1.5, 2], "ax2", {}, [1, 2, 3]]) {
    const rule = "the blocks of quantised weights must have two sides, positive integers";
    const how = { quant_method: "fp8", weight_block_size: block };
    await refused(() => as(how), `Cannot load model: ${rule}, got ${JSON.stringify(block)}`);
  }
});
test.run();
