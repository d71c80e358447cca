// Layers of experts against the naive twin: quantised, where routers cannot tell experts apart, and where they make no numbers; and
// that neither threads nor where a matrix is cut change anything.
import * as assert from "uvu/assert";
import { quantise } from "../../src/engine/quantise.ts";
import { targetFor } from "../../src/engine/stored.ts";
import { load, type Model } from "../../src/load.ts";
import type { Session } from "../../src/session/session.ts";
import { openModel } from "../../src/model/open.ts";
import { checkSession, leastOf } from "../../src/options/index.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { readWeights, SessionTwin } from "../reference/forward.ts";
import { unquantised } from "../reference/quantise.ts";
import { fewOf } from "../support/depth.ts";
import { engine, engineSuite, onEngine } from "../support/engine.ts";
import { inBrowser } from "../support/files.ts";
import { inside, onGpu } from "../support/inside.ts";
import { type Bytes, type Changes, modelFiles } from "../support/model-files.ts";
import { relative } from "../support/relative.ts";
import { rejection } from "../support/spies.ts";

const TOLERANCE = 1e-4; // of the largest logit
const MODELS = [["tiny-mixtral", "q8"], ["tiny-qwen3-moe", "q4"]] as const;
const PROMPT = Array.from({ length: 19 }, (_, i) => 3 + (i * i * 31 + i * 7) % 500);

const filesOf = (name: string, changes: Changes = {}) => modelFiles(`tests/golden/models/${name}`, changes);

/** The routers' weights, bf16, become what `value` says of each one's place. */
const routers = (value: (at: number) => number) => (bytes: Bytes): Bytes => {
  const changed = bytes.slice();
  const length = Number(new DataView(changed.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(changed.subarray(8, 8 + length)));
  for (const [name, entry] of Object.entries<{ data_offsets: number[] }>(header)) {
    if (!name.endsWith(".gate.weight")) continue;
    const [begin, end] = entry.data_offsets;
    const at = 8 + length + begin;
    for (let i = 0; i < (end - begin) / 2; i++) {
      const bits = new Uint32Array(Float32Array.of(value(i)).buffer)[0] >>> 16;
      changed.set([bits & 255, bits >> 8], at + 2 * i);
    }
  }
  return changed;
};

/** The logits behind the prompt, of the twin. */
async function twinOf(files: File[], type: "q8" | "q4" | null): Promise<Float32Array> {
  const { config, tensors } = await openModel(files);
  const weights = await readWeights(tensors);
  for (const [name, values] of weights) {
    const target = targetFor(tensors.get(name)!, name, type);
    if (target !== "Q8_0" && target !== "IQ4_NL") continue;
    weights.set(name, unquantised(quantise(new Uint8Array(values.slice().buffer), "F32", target, name), target));
  }
  const checked = checkSession({ budget: 32, stride: 8, policy: "h2o" });
  const { allocation, positions, aggregate, ...rest } = checked;
  const rule = { ...rest, score: "sum" as const };
  const sizes = { budget: 32, stride: 8, allocation, positions, aggregate, kv: "f32" as const };
  const twin = new SessionTwin(config, weights, { rule, ...sizes, least: leastOf(checked) });
  return Float32Array.from(twin.read(PROMPT));
}

/** The same of a model, in chunks of a size; all of them. */
async function logitsOf(model: Model, stride: number): Promise<Float32Array> {
  return (await evaluate(inside(model), PROMPT, stride)).logits;
}
const lastOf = (logits: Float32Array, vocab: number) => logits.subarray(logits.length - vocab);

const all = await engineSuite("experts");
const test = inBrowser ? fewOf(all, ["tiny-mixtral in q8", "tiny-qwen3-moe, routers that tell"]) : all;

for (const [name, weights] of MODELS) {
  test(`${name} in ${weights}: experts are quantised, routers are not`, async () => {
    const theirs = await twinOf(await filesOf(name), weights);
    const model = await load(await filesOf(name), { ...await onEngine(), weights });
    for (const stride of engine() === "wasm" ? [1, 7] : [7]) {
      const most = relative(lastOf(await logitsOf(model, stride), theirs.length), theirs);
      assert.ok(most <= TOLERANCE, `logits differ by ${most} of the largest, in chunks of ${stride}`);
    }
    model.dispose();
  });

  test(`${name}, routers that tell nothing apart: the first experts are used`, async () => {
    const files = await filesOf(name, { "model.safetensors": routers(() => 0) });
    const theirs = await twinOf(files, null);
    const model = await load(files, await onEngine());
    for (const stride of engine() === "wasm" ? [1, 7] : [7]) {
      const most = relative(lastOf(await logitsOf(model, stride), theirs.length), theirs);
      assert.ok(most <= TOLERANCE, `logits differ by ${most} of the largest, in chunks of ${stride}`);
    }
    model.dispose();
  });

  test(`${name}, routers that make no numbers: it is said, and the next model is as it was`, async () => {
    for (const value of [NaN, Infinity]) {
      const files = await filesOf(name, { "model.safetensors": routers((i) => i % 3 ? value : 1) });
      const model = await load(files, await onEngine());
      assert.match(await rejection(logitsOf(model, 7)), /logits/);
      model.dispose();
    }
  });

  if (engine() === "webgpu") {
    test(`${name}, its matrices cut within experts`, async () => {
      const options = { ...await onEngine(), ...weights === "q8" && { weights } };
      const whole = await load(await filesOf(name), options);
      const cut = await load(await filesOf(name), { ...options, maxBinding: weights === "q8" ? 9000 : 17_000 });
      const { gateUp, down } = onGpu(cut).weights.layers[0];
      assert.ok(gateUp.parts.length > 2 && down.parts.length > 1, `${gateUp.parts.length}, ${down.parts.length}`);
      assert.equal(await logitsOf(cut, 3), await logitsOf(whole, 3));
      for (const model of [whole, cut]) model.dispose();
    });
  } else if (!inBrowser) {
    test(`${name} in ${weights}: a token comes to the same, to the last bit, whatever others are taken in with it`, async () => {
      for (const options of [{}, { weights }, { weights, precision: "fast" }] as const) {
        const model = await load(await filesOf(name), { ...await onEngine(), ...options });
        const alone = await logitsOf(model, 1);
        for (const stride of [2, 5, 19]) assert.equal(await logitsOf(model, stride), alone, `chunks of ${stride}`);
        model.dispose();
      }
    });

    test(`${name}: sessions together write what each writes alone`, async () => {
      const model = await load(await filesOf(name), await onEngine());
      const made = () => Array.from({ length: 5 }, () => model.session({ policy: "roco", budget: 12, stride: 4 }));
      const write = async (session: Session, i: number) => {
        for await (const _ of session.generate(PROMPT.slice(i, 2 * i + 9), { maxNewTokens: 16, stopAtEnd: false }));
        return [session.report().ids, session.livePositions()];
      };
      const apart: unknown[] = [];
      for (const [i, session] of made().entries()) apart.push(await write(session, i));
      const together = made();
      model.batch(together);
      assert.equal(await Promise.all(together.map(write)), apart);
      model.dispose();
    });

    test(`${name}, any number of threads: the same to the last bit`, async () => {
      const found: Float32Array[] = [];
      for (const threads of [1, 2, 5]) {
        const model = await load(await filesOf(name), { ...await onEngine(), threads });
        found.push(await logitsOf(model, 7));
        model.dispose();
      }
      assert.equal(found[1], found[0]);
      assert.equal(found[2], found[0]);
    });
  }
}
test.run();
