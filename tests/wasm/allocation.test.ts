// What steps on the processor allocate: no array and no view of one, nothing that stays, in the memory of the pass or on the heap,
// and of what passes no more than asynchronous functions and numbers leave. The quick run takes one session whose steps give ids and the
// one whose give logits.
import inspector from "node:inspector";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { Stepper } from "../../src/session/stepper.ts";
import type { WasmEngine } from "../../src/wasm/engine.ts";
import { chosen } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";

const STEPS = 2000;
const EVERY = 128; // bytes between samples
// Three asynchronous functions, each with a promise, what awaits it and a frame of what it names, are 1.0 KB; numbers with fractions
// are objects until V8 has compiled what handles them, which takes the longer the busier a machine is: 1.4 to 3.5 KB were counted.
const PASSING = 6000; // bytes a step
const SMALLEST = 8; // bytes an object has; what is compiled meanwhile and stays is less than that for every step, or happens once
const LOOKS = 5;

interface Node {
  readonly callFrame: { readonly url: string };
  readonly selfSize: number;
  readonly children: readonly Node[];
}

/** V8's heap profiler. */
class Profiler {
  readonly #session = new inspector.Session();

  constructor() {
    this.#session.connect();
  }

  #post<T>(method: string, parameters: object = {}): Promise<T> {
    const post = this.#session.post.bind(this.#session) as unknown as (...args: unknown[]) => void;
    return new Promise((resolve, reject) => {
      post(method, parameters, (error: Error | null, result: T) => error ? reject(error) : resolve(result));
    });
  }

  /** Bytes that the sources allocated meanwhile, what they called of the host's with it: all, or what is left of them. */
  async count(work: () => Promise<void>, all: boolean): Promise<number> {
    const parameters = { includeObjectsCollectedByMajorGC: all, includeObjectsCollectedByMinorGC: all };
    await this.#post("HeapProfiler.startSampling", { samplingInterval: EVERY, ...parameters });
    await work();
    if (!all) await this.#post("HeapProfiler.collectGarbage");
    const { profile } = await this.#post<{ profile: { head: Node } }>("HeapProfiler.stopSampling");
    const sum = ({ callFrame: { url }, selfSize, children }: Node, ours: boolean): number => {
      const own = ours || url.includes("/src/");
      return children.reduce((bytes, child) => bytes + sum(child, own), own ? selfSize : 0);
    };
    return sum(profile.head, false);
  }
}

const ARRAYS = ["Float32Array", "Int32Array", "Uint32Array", "Uint8Array", "Array"] as const;
const VIEWS = Object.getPrototypeOf(Float32Array.prototype) as Record<string, (...args: unknown[]) => unknown>;
const MAKERS = ["subarray", "slice", "map", "filter"];

/** How many arrays and views of arrays are made meanwhile, by those who look their names up. */
async function arraysMade(work: () => Promise<void>): Promise<number> {
  let made = 0;
  const scope = globalThis as unknown as Record<string, new (...args: never[]) => object>;
  const constructors = ARRAYS.map((name) => [name, scope[name]] as const);
  const makers = MAKERS.map((name) => [name, VIEWS[name]] as const);
  for (const [name, own] of constructors) {
    scope[name] = new Proxy(own, { construct: (target, args) => (made++, Reflect.construct(target, args)) });
  }
  for (const [name, own] of makers) {
    VIEWS[name] = function (this: unknown, ...args) {
      made++;
      return own.apply(this, args);
    };
  }
  try {
    await work();
  } finally {
    for (const [name, own] of constructors) scope[name] = own;
    for (const [name, own] of makers) VIEWS[name] = own;
  }
  return made;
}

const CASES: [SessionOptions, "id" | "logits"][] = [
  [{ policy: "roco" }, "id"],
  [{ policy: "tova", positions: "cache", remainder: 2 }, "logits"],
  [{ policy: "triattention", kv: "q8" }, "id"],
];

const test = suite("steps in Wasm");
for (const [options, wanted] of chosen(CASES, ([, wanted]) => wanted)) {
  test(`${STEPS} steps allocate nothing that stays: ${Object.values(options)}, ${wanted}`, async () => {
    const model = await load(repoPath("models/fable-2m"), { device: "wasm", threads: 1, sampling: "greedy" });
    const { heap } = (inside(model).engine as WasmEngine).model;
    const checked = checkSession({ ...options, budget: 32, stride: 8 });
    const stepper = new Stepper(inside(model), checked, { slots: checked.budget + checked.stride });
    const tokens = { ids: [5], begin: 0, count: 1 };
    const run = async () => {
      for (let i = 0; i < STEPS; i++) await stepper.step(tokens, wanted);
    };
    await run();
    const memory = () => [heap.bytes, heap.peak, heap.memory.buffer.byteLength];
    const before = memory();
    const { buffer } = heap.memory;
    assert.is(await arraysMade(run), 0);
    assert.is(await arraysMade(() => Promise.resolve(void new Float32Array(2).subarray(1))), 2, "they are counted");
    const profiler = new Profiler();
    const passed = await profiler.count(run, true);
    let kept = Infinity;
    for (let look = 0; look < LOOKS && kept / STEPS >= SMALLEST; look++) kept = await profiler.count(run, false);
    console.log(`    ${Math.round(passed / STEPS)} bytes a step pass, ${Math.round(kept)} of all stay`);
    assert.equal(memory(), before);
    assert.is(heap.memory.buffer, buffer);
    assert.ok(passed > 0 && passed / STEPS < PASSING, `${passed / STEPS} bytes a step pass`);
    assert.ok(kept / STEPS < SMALLEST, `${kept} bytes stay`);
    stepper.release();
    model.dispose();
  });
}
test.run();
