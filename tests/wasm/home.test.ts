// The books of a session on the processor lie in the memory of the pass, which writes observations into them: whether or not threads
// share it, while it grows, and with the same result as books that lie elsewhere.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { Stepper } from "../../src/session/stepper.ts";
import type { WasmEngine } from "../../src/wasm/engine.ts";
import { repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { PROMPT, say } from "../support/say.ts";

const open = (threads: number) => load(repoPath("models/fable-2m"), { device: "wasm", threads, sampling: "greedy" });
const heapOf = (model: Model) => (inside(model).engine as WasmEngine).model.heap;
const OPTIONS: SessionOptions = { policy: "roco", budget: 24, stride: 4 };

function stepperOf(model: Model, options: SessionOptions): Stepper {
  const checked = checkSession(options);
  return new Stepper(inside(model), checked, { slots: checked.budget + checked.stride });
}

/** Forces the memory to grow. */
function grow(model: Model): void {
  const heap = heapOf(model);
  const { buffer } = heap.memory;
  const at = heap.take("what makes it grow", buffer.byteLength);
  assert.is.not(heap.memory.buffer, buffer);
  heap.bytesOf.fill(0xff, at, at + 4096);
  heap.give(at);
}

const test = suite("books in the memory of the pass");
for (const threads of [1, 2]) {
  test(`observations are written where they are read, ${threads} threads`, async () => {
    const model = await open(threads);
    const heap = heapOf(model);
    const [bytes, peak] = [heap.bytes, heap.peak];
    const stepper = stepperOf(model, OPTIONS);
    const [{ core }] = stepper.books.groups;
    assert.is(core.rows.buffer, heap.memory.buffer);
    assert.is(heap.bytes - bytes, stepper.memory.gpu, "books are counted with what is Wasm, not twice");
    core.rows.fill(-1);
    const ids = model.tokenizer.encode(PROMPT, { bos: true });
    const pass = (inside(model).engine as WasmEngine).model;
    const { wasm } = pass;
    const first: number[] = []; // as soon as a pass is done, before anything could be copied
    const run = (at: number, context: number) => {
      const id = wasm.run(at, context);
      first.push(core.rows[0]);
      return id;
    };
    Object.assign(pass, { wasm: { ...wasm, run } });
    await stepper.take({ ids, begin: 0, count: 1 }, "nothing");
    assert.equal(first, [1], "the only token sees itself");
    for (let i = 0; i < 3; i++) {
      grow(model);
      assert.is(core.rows.buffer, heap.memory.buffer);
      await stepper.take({ ids, begin: i + 1, count: 1 }, "nothing");
      const sum = core.rows.subarray(0, i + 2).reduce((sum, p) => sum + p, 0);
      assert.ok(Math.abs(sum - 1) < 1e-5, `the last query's attention: ${sum}`);
    }
    const { byteOffset } = core.rows;
    stepper.release();
    const again = stepperOf(model, OPTIONS);
    assert.is(again.books.groups[0].core.rows.byteOffset, byteOffset, "the block is given back");
    again.release();
    assert.is(heap.bytes, bytes);
    assert.ok(heap.peak > peak);
    model.dispose();
  });
}

/** What a session says, its books and its snapshot, while something happens at every token. */
async function run(model: Model, options: SessionOptions, onToken: () => void) {
  const session = model.session(options);
  const { ids } = await say(session, { maxNewTokens: 40, banned: model.config.eosIds, onToken });
  const result = { ids, live: session.livePositions(), bytes: await session.snapshot() };
  const restored = await model.restore(result.bytes);
  grow(model);
  const fork = await restored.fork();
  grow(model);
  const more = await Promise.all([session, restored, fork].map((one) => say(one, { maxNewTokens: 10 }, "")));
  assert.equal(more[1].ids, more[0].ids);
  assert.equal(more[2].ids, more[0].ids);
  for (const one of [session, restored, fork]) one.dispose();
  return result;
}

for (const policy of ["roco", "tova", "snapkv"] as const) {
  test(`${policy}: the same while the memory grows and others come and go, and as books elsewhere give`, async () => {
    const options: SessionOptions = { ...OPTIONS, policy };
    const model = await open(1);
    const expected = await run(model, options, () => {});
    const others: ReturnType<Model["session"]>[] = [];
    let tokens = 0;
    const found = await run(model, options, () => {
      if (tokens++ % 5 === 0) grow(model);
      if (tokens % 3 === 0) others.push(model.session({ policy: "h2o", budget: 16 + tokens }));
      if (tokens % 7 === 0) others.shift()!.dispose();
    });
    assert.equal(found, expected);
    const heap = heapOf(model);
    heap.lend = () => 0;
    assert.equal(await run(model, options, () => {}), expected);
    model.dispose();
  });
}

test("where the memory has no room for books they lie elsewhere, and nothing is refused", async () => {
  const model = await open(1);
  const { memory } = heapOf(model);
  const grow = memory.grow.bind(memory);
  let refusals = 1;
  memory.grow = (pages) => {
    if (refusals-- > 0) throw new RangeError("no more");
    return grow(pages);
  };
  const { made: stepper, refused } = inside(model).engine.guarded(() => stepperOf(model, { ...OPTIONS, budget: 8000 }));
  assert.is(refusals, -1, "for books, then for K and V");
  assert.is(await refused, null);
  assert.is.not(stepper.books.groups[0].core.rows.buffer, memory.buffer);
  await stepper.step({ ids: [5], begin: 0, count: 1 }, "id");
  stepper.release();
  model.dispose();
});

test("lanes that differ in budget have books of their own", async () => {
  const model = await open(1);
  const stepper = stepperOf(model, { ...OPTIONS, allocation: "pyramid" });
  assert.ok(stepper.books.groups.length > 1);
  assert.ok(stepper.books.groups.every(({ core }) => core.rows.buffer !== heapOf(model).memory.buffer));
  await stepper.step({ ids: [5, 6], begin: 0, count: 2 }, "id");
  stepper.release();
  model.dispose();
});
test.run();
