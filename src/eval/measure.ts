/** One unit measured: its result, whatever comes of it. */
import { runtimeVersion } from "../host/runtime.ts";
import type { Model } from "../session/model.ts";
import about from "../../package.json" with { type: "json" };
import { type Result, resultOf, type Versions } from "./results.ts";
import { type Means, runUnit } from "./run.ts";
import type { Unit } from "./units.ts";

/** What a unit is measured by; what is asked for may be refused. */
export interface Manner extends Omit<Means, "model" | "policy"> {
  readonly model: () => Promise<Model> | Model;
  readonly policy: () => Promise<Means["policy"]> | Means["policy"];
  /** Whether the result tells how long it took. */
  readonly times: boolean;
}

/** Measures one unit; what it throws is the unit's result. */
export async function measureUnit(unit: Unit, { times, ...manner }: Manner): Promise<Result> {
  let versions: Versions | null = null;
  try {
    const model = await manner.model();
    versions = { kvcap: about.version, runtime: runtimeVersion(), device: model.device.name };
    const started = performance.now();
    const found = await runUnit(unit, { ...manner, model, policy: await manner.policy() });
    const result = resultOf(unit, versions, found);
    return times
      ? { ...result, times: { ms: Math.round(performance.now() - started), adapter: model.adapter } }
      : result;
  } catch (error) {
    return resultOf(unit, versions, { error });
  }
}
