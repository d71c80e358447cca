/** A plan measured from code, with models that are loaded: in Deno, Node and Bun, and in a page. */
import { refuse } from "../errors.ts";
import { Telling } from "../options/telling.ts";
import type { OwnPolicy } from "../policies/own.ts";
import type { Model } from "../session/model.ts";
import { measureUnit } from "./measure.ts";
import { checkPlan, type PlanOptions } from "./plan.ts";
import { isMeasured, type Result } from "./results.ts";
import { type Means, onceFor } from "./run.ts";
import ferry from "./texts/ferry.txt" with { type: "text" };
import { documentsName, idOf, type Unit, unitsOf } from "./units.ts";

/** What a plan is measured with. */
export interface EvaluateOptions {
  /** Models that are loaded, by the names that the plan has for them, and results. They stay loaded. */
  readonly models: Readonly<Record<string, Model>>;
  /** Policies of your own, by the names that the plan has for them. */
  readonly policies?: Readonly<Record<string, OwnPolicy>>;
  /** What documents are cut from. Default: the story that is shipped. */
  readonly text?: string;
  /** Results of before: their units are not measured again where they have numbers. */
  readonly known?: Iterable<Result>;
  /** Whether results tell how long they took; they then differ from run to run. Default false. */
  readonly times?: boolean;
  /** Hears before every document, and at the end, how much is done: units, and parts of one. */
  readonly onProgress?: (done: number, total: number, unit: Unit) => void;
}

const ACTION = "read the plan";

/**
 * Measures the units of a plan, one after another, and gives each one's result as soon as it is there, in the plan's order. What
 * goes wrong with a unit is its result (`error`), and the others go on. Leave the loop to stop.
 * @param plan what is left out is as in `kvcap eval`, but for the models: all that are given
 * @throws KvcapRangeError for a plan that is none, or whose models or text are not given; what `onProgress` throws, behind its unit's result
 */
export async function* evaluate(plan: PlanOptions, options: EvaluateOptions): AsyncGenerator<Result, void, void> {
  const { models, policies = {}, text, known = [], times = false, onProgress } = options;
  const names = Object.keys(models);
  const checked = checkPlan({ models: names, ...plan }, Object.keys(policies));
  const stranger = checked.models.find((name) => !names.includes(name));
  if (stranger !== undefined) {
    refuse(ACTION, `models must be of ${names.join(", ")}`, stranger, { option: "models", names });
  }
  if (Object.keys(checked.load).length > 0) {
    refuse(ACTION, "load must be left out where models are loaded", checked.load, { option: "load" });
  }
  if (checked.text !== null && text === undefined) {
    refuse(ACTION, "the text must be given where the plan names one", checked.text, { option: "text" });
  }
  const source = text ?? ferry;
  const units = unitsOf(checked, source);
  const before = new Map([...known].filter(isMeasured).map((result) => [result.id, result]));
  const shared = onceFor();
  const telling = new Telling();
  for (const [done, unit] of units.entries()) {
    yield before.get(idOf(unit)) ?? await measureUnit(unit, {
      model: () => models[unit.model],
      policy: () => policies[unit.policy] ?? unit.policy as Means["policy"],
      text: source,
      times,
      once: shared(documentsName(unit)),
      onProgress: (documents, total) =>
        telling.tell((part) => onProgress?.(part, units.length, unit), done + documents / total),
    });
    telling.rethrow();
    onProgress?.(done + 1, units.length, unit);
  }
}
