/** Units: the smallest things that are measured, each by itself and all alike whatever was measured before. */
import { given, namesOf } from "../options/row.ts";
import { SESSION } from "../options/session.ts";
import { digest } from "../engine/sha256.ts";
import { canonical } from "./canonical.ts";
import type { Json, Mode, PlainOptions, Plan } from "./plan.ts";
import { type TaskName, taskOf } from "./tasks/index.ts";
import type { Settings } from "./tasks/settings.ts";

/** One model, task, policy, budget, stride, mode and seed. */
export interface Unit {
  /** Its name in the plan. */
  readonly model: string;
  /** What is measured. */
  readonly task: TaskName;
  /** How the task is set, whole. */
  readonly settings: Settings;
  /** Its name in the plan. */
  readonly policy: string;
  /** Left out for a policy that evicts nothing. */
  readonly budget?: Json;
  /** Left out: what a session takes where nothing is said. */
  readonly stride?: number;
  /** When tokens go. */
  readonly mode: Mode;
  /** What documents are drawn by. */
  readonly seed: number;
  /** Further options of the session. */
  readonly session: PlainOptions;
  /** Options of loading. */
  readonly load: PlainOptions;
  /** Left out where the task cuts no text: its file, null for the shipped one, and what is in it. */
  readonly text?: { readonly file: string | null; readonly digest: string };
}

/** What a unit is known by: the same for the same unit, another for any other. */
export function idOf(unit: Unit): string {
  return digest(canonical(unit));
}

/** A name of what units share that differ in how their caches are kept: their documents, and what the full cache makes of them. */
export function documentsName({ model, load, task, settings, seed, text }: Unit): string {
  return canonical([model, load, task, settings, seed, text ?? null]);
}

/** Every combination of one value of each list, the last list's values next to each other. */
function combinations(lists: Readonly<Record<string, readonly Json[]>>): PlainOptions[] {
  return Object.entries(lists).reduce<PlainOptions[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

const UNFELT = ["remainder"]; // of what is evicted

/** Options that mean nothing where nobody goes. */
function withoutEviction(options: PlainOptions): PlainOptions {
  const decides: string[] = namesOf(SESSION).filter((name) => (SESSION[name] as { decides?: boolean }).decides);
  return Object.fromEntries(Object.entries(options).filter(([name]) => ![...decides, ...UNFELT].includes(name)));
}

/** All units of a plan, none twice: those that share a model, then a task's documents, next to each other. @param text what the file holds */
export function unitsOf(plan: Plan, text: string): Unit[] {
  const found = new Map<string, Unit>();
  const of = { file: plan.text, digest: digest(text) };
  for (const model of plan.models) {
    for (const { task, settings } of plan.tasks) {
      const shared = { model, task, settings, load: plan.load, ...taskOf(task).usesText ? { text: of } : {} };
      for (const seed of plan.seeds) {
        for (const unit of contexts(plan)) {
          const whole: Unit = { ...shared, ...unit, seed };
          found.set(idOf(whole), whole);
        }
      }
    }
  }
  return [...found.values()];
}

type Context = Pick<Unit, "policy" | "budget" | "stride" | "mode" | "session">;

/** Every policy under every budget, stride, mode and option. */
function contexts({ policies, budgets, strides, modes, session, vary }: Plan): Context[] {
  return policies.flatMap((policy) =>
    budgets.flatMap((budget) =>
      strides.flatMap((stride) =>
        modes.flatMap((mode) =>
          combinations(vary).map((varied): Context => {
            const [full, options] = [policy === "full", given({ ...session, ...varied })];
            return {
              policy,
              ...full ? {} : { budget },
              ...stride === null ? {} : { stride },
              mode,
              session: full ? withoutEviction(options) : options,
            };
          })
        )
      )
    )
  );
}
