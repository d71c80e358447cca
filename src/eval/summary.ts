/** What results say together: units that differ in their seed alone are one row, and rows are compared with the baseline's. */
import { exp } from "../engine/elementary.ts";
import { canonical } from "./canonical.ts";
import { budgetText, optionsText } from "./labels.ts";
import { isMeasured, type Measurement, type Result } from "./results.ts";
import { bootstrap, type Difference, meansOf, type Verdict, verdictOf } from "./statistics.ts";
import { taskOf } from "./tasks/index.ts";
import type { Score, Values } from "./tasks/task.ts";
import type { Unit } from "./units.ts";

/** A score beside the baseline's, document by document. */
export interface Against {
  /** Its mean over the documents, and the interval. */
  readonly difference: Difference;
  /** What that says. */
  readonly verdict: Verdict;
}

/** One policy under one budget and what else it was set to, over all seeds. */
export interface Row {
  /** Of the first seed. */
  readonly unit: Unit;
  /** The budget in words; "all" of a full cache. */
  readonly budget: string;
  /** Further options, where rows differ in them. */
  readonly options: string;
  /** Of each document, what distinguishes it from others, and what was measured. */
  readonly documents: readonly { readonly told: Values; readonly values: Values }[];
  /** Means over all documents. */
  readonly metrics: Values;
  /** Perplexity over that of the full cache on the same documents: its mean, and the ends of its interval. */
  readonly ratio: Difference | null;
  /** By score; null for the baseline itself, and where it was not measured on the same documents. */
  readonly against: Readonly<Record<string, Against>> | null;
  /** Means of what it took. */
  readonly cost: Measurement["cost"];
  /** Milliseconds for all of it; null where times were left out. */
  readonly ms: number | null;
}

/** The rows of one model and task. */
export interface Table {
  /** Its name in the plan. */
  readonly model: string;
  /** What was measured. */
  readonly task: Unit["task"];
  /** As the task was set, and options that all rows share. */
  readonly settings: string;
  /** What is compared, the first above all. */
  readonly scores: readonly Score[];
  /** The policy that others are compared with. */
  readonly baseline: string;
  /** In the order of the results. */
  readonly rows: readonly Row[];
}

/** What was found with the seeds of one row. */
interface Group {
  readonly unit: Unit;
  readonly results: Measurement[];
}

/** A key of all units that are alike but for what is left out. */
function without(unit: Unit, ...names: (keyof Unit)[]): string {
  return canonical(Object.fromEntries(Object.entries(unit).filter(([name]) => !names.includes(name as keyof Unit))));
}

/** By key, in the order in which keys appear. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) found.set(keyOf(item), [...found.get(keyOf(item)) ?? [], item]);
  return found;
}

/** Tables of all results that have numbers. @param baseline the policy that others are compared with */
export function summarise(results: readonly Result[], baseline: string): Table[] {
  const measured = results.filter(isMeasured);
  const tables = grouped(
    measured,
    ({ unit }) => canonical([unit.model, unit.load, unit.task, unit.settings, unit.text]),
  );
  return [...tables.values()].map((all) => {
    const { model, task, settings } = all[0].unit;
    const groups: Group[] = [...grouped(all, ({ unit }) => without(unit, "seed")).values()]
      .map((results) => ({ unit: results[0].unit, results }));
    const { scores } = taskOf(task);
    const rows = groups.map((group) => rowOf(group, groups, scores, baseline));
    const [{ options }] = rows;
    const shared = options !== "" && rows.every((row) => row.options === options);
    return {
      ...{ model, task, scores, baseline },
      settings: [settingsText(settings), ...shared ? [options] : []].join("; "),
      rows: shared ? rows.map((row) => ({ ...row, options: "" })) : rows,
    };
  });
}

function settingsText(settings: Unit["settings"]): string {
  const words = Object.entries(settings).map(([name, value]) =>
    `${name} ${Array.isArray(value) ? value.join(", ") : value}`
  );
  return words.join("; ");
}

function rowOf(group: Group, groups: readonly Group[], scores: readonly Score[], baseline: string): Row {
  const { unit, results } = group;
  const documents = results.flatMap(({ documents }) => documents);
  const metrics = meansOf(documents.map(({ values }) => values));
  const like = (one: Group, ...names: (keyof Unit)[]) =>
    without(one.unit, "seed", "policy", ...names) === without(unit, "seed", "policy", ...names);
  const base = groups.find((one) => one.unit.policy === baseline && like(one));
  const fulls = groups.filter((one) => one.unit.policy === "full" && like(one, "budget", "session"));
  const full = fulls.find((one) => isPart(one.unit.session, unit.session)) ?? fulls[0] ??
    groups.find((one) => one.unit.policy === "full" && one.unit.mode === unit.mode);
  const losses = full && metrics.loss !== undefined ? differences(group, full, "loss") : [];
  const ratio = losses.length > 0 && unit.policy !== "full" ? exponential(bootstrap(losses)) : null;
  const times = results.map(({ times }) => times?.ms);
  return {
    ...{ unit, budget: budgetText(unit.budget), options: optionsText(unit), documents, ratio },
    metrics: metrics.loss === undefined ? metrics : { ...metrics, perplexity: exp(metrics.loss) },
    against: base && base !== group ? compared(group, base, scores) : null,
    cost: meansOf(results.map(({ cost }) => cost as unknown as Values)) as unknown as Measurement["cost"],
    ms: times.includes(undefined) ? null : times.reduce<number>((sum, ms) => sum + ms!, 0),
  };
}

/** Whether options are all among others: a full cache has those that do not say who goes. */
function isPart(few: Unit["session"], all: Unit["session"]): boolean {
  return Object.entries(few).every(([name, value]) => canonical(all[name]) === canonical(value));
}

function exponential({ mean, low, high, count }: Difference): Difference {
  return { mean: exp(mean), low: exp(low), high: exp(high), count };
}

/** A score of one group less that of another, over the documents that both have: the same number of the same seed. */
function differences(one: Group, other: Group, score: string): number[] {
  return one.results.flatMap(({ unit: { seed }, documents }) => {
    const beside = other.results.find(({ unit }) => unit.seed === seed)?.documents ?? [];
    return documents.slice(0, beside.length).map(({ values }, i) => values[score] - beside[i].values[score]);
  });
}

function compared(group: Group, base: Group, scores: readonly Score[]): Row["against"] {
  const found = scores.map(({ name, higher }) => {
    const values = differences(group, base, name);
    if (values.length === 0) return null;
    const difference = bootstrap(values);
    return [name, { difference, verdict: verdictOf(difference, higher) }] as const;
  });
  const both = found.filter((one) => one !== null);
  return both.length > 0 ? Object.fromEntries(both) : null;
}
