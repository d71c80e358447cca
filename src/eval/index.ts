/**
 * kvcap/eval: what eviction costs, measured from code. A plan becomes units, each unit a result, results tables and a report.
 *
 * @example Two policies on two pass keys
 * ```ts
 * import { load } from "kvcap";
 * import { evaluate, type Result, summarise, tableText } from "kvcap/eval";
 *
 * const model = await load("models/fable-2m", { device: "wasm" });
 * const plan = { tasks: "passkey", policies: ["roco", "crest"], budgets: "25%", documents: 2, length: 200 } as const;
 * const results: Result[] = [];
 * for await (const result of evaluate(plan, { models: { fable: model } })) results.push(result);
 * console.log(summarise(results, "roco").map(tableText).join("\n\n"));
 * model.dispose();
 * ```
 * @module
 */
export { evaluate, type EvaluateOptions } from "./evaluate.ts";
export { type Json, type Mode, MODES, type OneOrMore, type PlainOptions, type PlanOptions } from "./plan.ts";
export { idOf, type Unit } from "./units.ts";
export { isMeasured, lineOf, type Measurement, readResults, type Result, type Versions } from "./results.ts";
export type { Cost, Found } from "./run.ts";
export { type Against, type Row, summarise, type Table } from "./summary.ts";
export { tableText } from "./table.ts";
export { reportPage } from "./report/page.ts";
export { bootstrap, type Difference, type Verdict, verdictOf } from "./statistics.ts";
export { TASK_NAMES, type TaskName } from "./tasks/index.ts";
export type { Settings } from "./tasks/settings.ts";
export type { Score, Values } from "./tasks/task.ts";
