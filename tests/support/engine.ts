// The engine that a test file is about. Files that import this load models by `onEngine` and mean any engine; tests/support/plan.ts
// says which of them run on which, and the runner sets it before it loads a file: "tests/x.test.ts on webgpu".
import type { Test } from "uvu";
import type { DeviceName } from "../../src/engine/engine.ts";
import type { LoadOptions } from "../../src/options/load.ts";
import { chosen } from "./depth.ts";
import { suiteWhere, testDevice } from "./device.ts";

let current: DeviceName = "wasm";

/** Sets the engine that a file's name in the runner says. @returns the name */
export function takeEngine(name: string): string {
  current = name.endsWith(" on webgpu") ? "webgpu" : "wasm";
  return name;
}

/** What is imported for a file of this name: for each engine it is another module, so that its suites are queued anew. */
export function moduleOf(name: string): string {
  return name.replace(" on ", "?on=");
}

/** The engine that this run of the file is about. */
export const engine = (): DeviceName => current;

/** All on Wasm and in the full run; of each kind `count` on WebGPU in the quick one, whose adapter is mostly in software. */
export function fewOnGpu<T>(items: readonly T[], kindsOf: (item: T) => string, count: number): T[] {
  return current === "wasm" ? [...items] : chosen(items, kindsOf, count);
}

/** Loads onto that engine, exactly, and greedy where a test says nothing. */
export async function onEngine(): Promise<LoadOptions> {
  const sampling = "greedy";
  if (current === "wasm") return { device: "wasm", precision: "exact", sampling };
  return { device: (await testDevice())!, sampling };
}

/** A suite of tests that are skipped, and counted so, where the engine cannot run. */
export async function engineSuite(name: string): Promise<Test> {
  return suiteWhere(current === "wasm" || await testDevice() !== null, `${name}, on ${current}`);
}

/** Likewise of tests one by one. */
export async function whereAble(test: Test): Promise<Test | Test["skip"]> {
  return current === "wasm" || await testDevice() ? test : test.skip;
}
