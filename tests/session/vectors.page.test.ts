// Keys and values on the host, for policies that read them: those that the cache holds, bit for bit, as slots are claimed, when a cache
// grows, in forks and after a restore; no byte of it elsewhere. And what queries were like, where that is read.
import * as assert from "uvu/assert";
import type { LaneViews } from "../../src/core/core.ts";
import { KV_TYPES, kvRowBytes, type KvType } from "../../src/engine/kv.ts";
import { bufferBytes } from "../../src/engine/stored.ts";
import { load, type Model } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { definePolicy } from "../../src/options/own.ts";
import { ALLOCATIONS } from "../../src/policies/allocation.ts";
import { Stepper } from "../../src/session/stepper.ts";
import { chosen } from "../support/depth.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { PROMPT, say } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("keys and values on the host");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const SMALL: SessionOptions = { policy: "keydiff", budget: 24, stride: 4, sinks: 2, newest: 2 };

/** The numbers of a stored row: the naive twin of what reads them. */
function numbersOf(row: Uint8Array, kv: KvType, headDim: number): number[] {
  const view = new DataView(row.slice().buffer);
  const each = (of: (i: number) => number) => Array.from({ length: headDim }, (_, i) => of(i));
  if (kv === "f32") return each((i) => view.getFloat32(4 * i, true));
  if (kv === "f16") {
    return each((i) => {
      const bits = view.getUint16(2 * i, true);
      const [exponent, fraction] = [bits >> 10 & 31, (bits & 1023) / 1024];
      const size = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
      return bits >> 15 ? -size : size;
    });
  }
  const scales = Math.ceil(headDim / 8) * 8;
  const inFirst = 4 * Math.ceil(headDim / 8);
  return each((i) => {
    const scale = view.getFloat32(scales + (i < inFirst ? 0 : 4), true);
    return Math.fround(view.getInt8(i) * Math.fround(scale / 127));
  });
}

/** The keys and values of the live slots of every lane as the engine's cache has them: [lanes][slot]: [key, value]. */
async function cached({ context, books, pool }: Stepper): Promise<Map<number, number[][]>[]> {
  const { layers, kvHeads, headDim } = inside(model).config;
  const { rows, kv } = context.shape;
  const saved = new Uint8Array(context.savedBytes);
  await context.save("test", saved);
  const bytes = kvRowBytes(headDim, kv);
  const lanes = Array.from({ length: layers * kvHeads }, () => new Map<number, number[][]>());
  const begins = rows.map((_, i) => 2 * rows.slice(0, i).reduce((sum, n) => sum + bufferBytes(kvHeads * n * bytes), 0));
  books.forEachLane((lane, live) => {
    const layer = Math.floor(lane / kvHeads);
    for (const slot of live) {
      const row = pool ? pool.rows[lane * books.width + slot] : lane % kvHeads * rows[layer] + slot;
      const [key, value] = [0, bufferBytes(kvHeads * rows[layer] * bytes)].map((at) =>
        numbersOf(saved.subarray(begins[layer] + at + row * bytes, begins[layer] + at + (row + 1) * bytes), kv, headDim)
      );
      lanes[lane].set(slot, [key, value]);
    }
  });
  return lanes;
}

/** Asserts that the lanes' views are of these. */
function sameAs(views: LaneViews[], lanes: Map<number, number[][]>[], headDim: number, name: string) {
  lanes.forEach((slots, lane) => {
    const { keys, values } = views[lane];
    for (const [slot, [key, value]] of slots) {
      const row = (rows: Float32Array) => [...rows.subarray(slot * headDim, (slot + 1) * headDim)];
      assert.equal([row(keys!), row(values!)], [key, value], `${name}, lane ${lane}, slot ${slot}`);
    }
  });
}

test("they are those that the cache holds, bit for bit, however it stores them, and where lanes share rows", async () => {
  const { config } = inside(model);
  const ids = model.tokenizer.encode(PROMPT, { bos: true });
  const all = KV_TYPES.flatMap((kv) =>
    ALLOCATIONS.flatMap((allocation) =>
      (["absolute", "cache"] as const).map((positions) => ({ kv, allocation, positions }))
    )
  );
  const kinds = ({ kv, allocation, positions }: typeof all[number]) => inBrowser ? [kv] : [kv, allocation, positions];
  for (const options of chosen(all, kinds)) {
    const checked = checkSession({ ...SMALL, ...options });
    const stepper = new Stepper(inside(model), checked, { slots: checked.budget + checked.stride });
    for (let begin = 0; begin < ids.length; begin += 4) {
      await stepper.step({ ids, begin, count: Math.min(4, ids.length - begin) }, "nothing");
    }
    for (const id of [7, 9, 11]) await stepper.step({ ids: [id], begin: 0, count: 1 }, "id");
    const lanes = await cached(stepper);
    assert.is(lanes[0].size > 0 && stepper.books.seen > 24, true);
    sameAs(stepper.books.laneViews(), lanes, config.headDim, JSON.stringify(options));
    assert.ok(stepper.memory.wasm >= 2 * 4 * lanes.length * stepper.books.width * config.headDim);
    stepper.release();
  }
});

test("a cache that grows, a fork and a restored session have them too, and evict alike", async () => {
  const banned = model.config.eosIds;
  const all = ALLOCATIONS.flatMap((allocation) =>
    (["keydiff", "triattention"] as const).map((policy) => ({ allocation, policy }))
  );
  for (const parts of chosen(all, ({ policy }) => policy)) {
    const options: SessionOptions = { ...SMALL, ...parts, evict: "prompt", kv: "f16" };
    const session = model.session(options);
    await say(session, { maxNewTokens: 40, banned });
    const restored = await model.restore(await session.snapshot());
    const fork = await session.fork();
    const next = " Then she saw a dog, and the dog saw her. They went to the park.";
    const [expected, ...others] = [session, restored, fork];
    const { ids } = await say(expected, { maxNewTokens: 30, banned }, next);
    const views = expected.laneViews();
    for (const each of others) {
      assert.equal((await say(each, { maxNewTokens: 30, banned }, next)).ids, ids);
      assert.equal(each.livePositions(), expected.livePositions());
      each.laneViews().forEach(({ positions, keys, values }, lane) => {
        const headDim = keys!.length / positions.length;
        positions.forEach((position, slot) => {
          if (position < 0) return;
          for (const [mine, theirs] of [[keys!, views[lane].keys!], [values!, views[lane].values!]]) {
            const row = (rows: Float32Array) => [...rows.subarray(slot * headDim, (slot + 1) * headDim)];
            assert.equal(row(mine), row(theirs));
          }
        });
      });
    }
    for (const each of [session, restored, fork]) each.dispose();
  }
});

test("means of queries are of all so far, however they were read, and of none after a reset", async () => {
  const { heads, kvHeads, headDim } = inside(model).config;
  const half = headDim / 2;
  const meansOf = async (stride: number) => {
    const session = model.session({ ...SMALL, budget: 200, policy: "triattention", stride, kv: "f32" });
    await say(session, { maxNewTokens: 0 });
    const means = session.laneViews().map(({ queries }) => [...queries!.means]);
    session.reset();
    session.laneViews().forEach(({ queries }) => assert.ok(queries!.means.every((value) => value === 0)));
    session.dispose();
    return means;
  };
  const [some, others] = [await meansOf(4), await meansOf(1)];
  some.forEach((lane, l) => {
    assert.is(lane.length, heads / kvHeads * 3 * half);
    const most = Math.max(...lane);
    lane.forEach((value, i) => assert.ok(Math.abs(value - others[l][i]) < 2e-5 * most, `${value} and ${others[l][i]}`)); // f32
    for (let head = 0; head < heads / kvHeads; head++) {
      const part = (of: number) => lane.slice((3 * head + of) * half, (3 * head + of + 1) * half);
      const [first, second, lengths] = [part(0), part(1), part(2)];
      lengths.forEach((length, i) =>
        assert.ok(length > Math.hypot(first[i], second[i]), "a mean's length is less than lengths' mean")
      );
    }
  });
});

test("a policy of one's own has them where it asks for them, and no other, nor a byte of memory", async () => {
  let seen: LaneViews | null = null;
  const score = (_: number, views: LaneViews, scores: Float32Array) => {
    seen = views;
    for (let slot = 0; slot < scores.length; slot++) scores[slot] = views.positions[slot];
  };
  const run = async (policy: SessionOptions["policy"]) => {
    const session = model.session({ ...SMALL, policy });
    await say(session, { maxNewTokens: 30 });
    const memory = session.memory();
    session.dispose();
    return memory;
  };
  const plain = await run(definePolicy({ name: "plain", score }));
  assert.equal([seen!.keys, seen!.values], [undefined, undefined]);
  const reading = await run(definePolicy({ name: "reading", score, readsVectors: true }));
  const { layers, kvHeads, headDim } = inside(model).config;
  assert.equal([seen!.keys!.length, seen!.values!.length], [28 * headDim, 28 * headDim]);
  assert.ok(reading.wasm - plain.wasm >= 2 * 4 * layers * kvHeads * 28 * headDim);
  assert.is(seen!.queries, undefined);
  const asking = await run(definePolicy({ name: "asking", score, readsQueries: true }));
  assert.equal([seen!.keys!.length, seen!.queries!.rope.length], [28 * headDim, headDim / 2]);
  assert.ok(asking.wasm > reading.wasm);
  const known = await run("tova");
  assert.equal([known.wasm, known.gpu], [plain.wasm, plain.gpu]);
  assert.is(reading.kv, plain.kv);
});

test.run();
