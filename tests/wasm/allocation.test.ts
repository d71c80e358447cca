// What steps on the processor allocate: nothing that stays, in the memory of the pass or on the heap, and of what passes no more than
// asynchronous functions leave. Counted by V8's own sampling of allocations, function by function.
import inspector from "node:inspector";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { Stepper } from "../../src/session/stepper.ts";
import type { WasmEngine } from "../../src/wasm/engine.ts";
import { repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";

const STEPS = 2000;
const EVERY = 128; // bytes between samples
// A step is three of them, each with a promise, what awaits it, and a frame of what it names: 230 to 450 bytes were counted.
const ASYNCHRONOUS = ["step stepper.ts", "take stepper.ts", "pass context.ts"];
const FRAME = 600; // bytes
// Of any other function; a view is 100 bytes, a closure 40, and the host's clock answers with 12 that are its own.
const OTHER = 16; // bytes a step
const SMALLEST = 8; // bytes an object has; what is compiled meanwhile and stays is less than that for every step

interface Node {
  readonly callFrame: { readonly functionName: string; readonly url: string };
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

  /** Bytes that each function of ours allocated meanwhile, what it called of the host's with it: all, or what is left of them. */
  async count(work: () => Promise<void>, all: boolean): Promise<Map<string, number>> {
    const parameters = { includeObjectsCollectedByMajorGC: all, includeObjectsCollectedByMinorGC: all };
    await this.#post("HeapProfiler.startSampling", { samplingInterval: EVERY, ...parameters });
    await work();
    if (!all) await this.#post("HeapProfiler.collectGarbage");
    const { profile } = await this.#post<{ profile: { head: Node } }>("HeapProfiler.stopSampling");
    const found = new Map<string, number>();
    const walk = ({ callFrame: { functionName, url }, selfSize, children }: Node, under: string) => {
      const name = url.includes("/src/") ? `${functionName} ${url.split("/").at(-1)}` : under;
      if (name) found.set(name, (found.get(name) ?? 0) + selfSize);
      for (const child of children) walk(child, name);
    };
    walk(profile.head, "");
    return found;
  }
}

const CASES: [SessionOptions, "id" | "logits"][] = [
  [{ policy: "roco" }, "id"],
  [{ policy: "tova", positions: "cache" }, "logits"],
];

const test = suite("steps in Wasm");
for (const [options, wanted] of CASES) {
  test(`${STEPS} steps allocate nothing that stays: ${Object.values(options)}, ${wanted}`, async () => {
    const model = await load(repoPath("models/fable-2m"), { device: "wasm", threads: 1 });
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
    const profiler = new Profiler();
    // Numbers with fractions are objects until V8 has compiled what handles them, which takes the longer the busier a machine is:
    // what allocates does so however often it is looked at.
    let passed = new Map<string, number>();
    let found: string[] = [];
    for (let looks = 0; looks < 8; looks++) {
      passed = await profiler.count(run, true);
      found = [...passed].filter(([name, bytes]) => {
        const most = ASYNCHRONOUS.includes(name) ? FRAME : OTHER;
        return !name.endsWith("pause.ts") && bytes / STEPS > most; // pauses: every 12 ms
      }).map(([name, bytes]) => `${name} allocates ${bytes / STEPS} bytes a step`);
      if (found.length === 0) break;
    }
    assert.equal(found, []);
    const kept = await profiler.count(run, false);
    assert.equal(memory(), before);
    assert.is(heap.memory.buffer, buffer);
    const sum = (of: Map<string, number>) => [...of.values()].reduce((sum, bytes) => sum + bytes, 0);
    console.log(`    ${Math.round(sum(passed) / STEPS)} bytes a step pass, ${Math.round(sum(kept))} of all stay`);
    assert.ok(ASYNCHRONOUS.every((name) => passed.get(name)! > 0), "they were counted");
    assert.ok(sum(kept) / STEPS < SMALLEST, `${sum(kept)} bytes stay`);
    stepper.release();
    model.dispose();
  });
}
test.run();
