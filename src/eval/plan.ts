/** What is to be measured: every combination of what the lists of a plan name. */
import { refuse, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import { known } from "../options/check.ts";
import { checkLoad, type LoadOptions } from "../options/index.ts";
import { LOAD } from "../options/load.ts";
import { type AnyTable, checkRow, given } from "../options/row.ts";
import { SESSION } from "../options/session.ts";
import { type Budget, budgetSlots } from "../options/budget.ts";
import { readText } from "../options/text.ts";
import { SETTING_NAMES, type SettingName, SETTINGS, type Settings } from "./tasks/settings.ts";
import { TASK_NAMES, type TaskName, taskOf } from "./tasks/index.ts";

/** A value as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Options by name, as JSON has them. */
export type PlainOptions = Readonly<Record<string, Json>>;

/** A task and how it is set. */
export interface PlannedTask {
  readonly task: TaskName;
  readonly settings: Settings;
}

/** One value, or a list of values of which each is measured. */
export type OneOrMore<T> = T | readonly T[];

/** A plan as code asks for it; docs/evaluation.md says what each part is. Settings are those of every task that has them. */
export interface PlanOptions extends Settings {
  /** Names of models. */
  readonly models?: OneOrMore<string>;
  /** Names of tasks, or tasks with settings of their own. Default perplexity and passkey. */
  readonly tasks?: OneOrMore<TaskName | { readonly task: TaskName } & Settings>;
  /** Names of policies. Default full, roco, crest, h2o, recency. */
  readonly policies?: OneOrMore<string>;
  /** Budgets, as a session's or as text: "25%". Default half and a fifth of the prompt. */
  readonly budgets?: OneOrMore<Budget | string>;
  /** Prompt tokens read at once; null: what a session takes where nothing is said. */
  readonly strides?: OneOrMore<number | null>;
  /** When tokens go. Default "both". */
  readonly modes?: OneOrMore<Mode>;
  /** Each draws other documents. Default 0. */
  readonly seeds?: OneOrMore<number>;
  /** Options of every session. */
  readonly session?: PlainOptions;
  /** Options of sessions that take several values: every combination. */
  readonly vary?: Readonly<Record<string, readonly Json[]>>;
  /** What results call the text that documents are cut from; null, or left out: the one that is shipped. */
  readonly text?: string | null;
  /** The policy that the others are compared with. Default "roco". */
  readonly baseline?: string;
}

/** A plan that is whole. */
export interface Plan {
  readonly models: readonly string[];
  readonly tasks: readonly PlannedTask[];
  readonly policies: readonly string[];
  readonly budgets: readonly Json[];
  /** Null: what a session takes where nothing is said. */
  readonly strides: readonly (number | null)[];
  readonly modes: readonly Mode[];
  readonly seeds: readonly number[];
  /** Options of every session. */
  readonly session: PlainOptions;
  /** Options of sessions that take several values: every combination. */
  readonly vary: Readonly<Record<string, readonly Json[]>>;
  /** Options of loading. */
  readonly load: PlainOptions;
  /** A file; null: the text that is shipped. */
  readonly text: string | null;
  /** The policy that the others are compared with. */
  readonly baseline: string;
}

/** When tokens are evicted: always; while the prompt is read; or behind it, the budget then counting the tokens there. */
export const MODES = ["both", "prompt", "decode"] as const;
/** A name of MODES. */
export type Mode = typeof MODES[number];

const ACTION = "read the plan";
const at = { action: ACTION, budget: Infinity };
const MOST_UNITS = 100_000;

const USUAL = {
  models: ["fable-2m"],
  tasks: ["perplexity", "passkey"],
  policies: ["full", "roco", "crest", "h2o", "recency"],
  budgets: ["50%", "20%"],
  strides: [null],
  modes: ["both"],
  seeds: [0],
  baseline: "roco",
};

const LISTS = ["models", "tasks", "policies", "budgets", "strides", "modes", "seeds"] as const;
const NAMES = [...LISTS, "session", "vary", "load", "text", "baseline", ...SETTING_NAMES];
const LOADED: readonly (keyof LoadOptions)[] = [ // what a command can say again
  ...["device", "precision", "memory", "weights", "ropeScaling", "ropeFactor", "ropeLength"] as const,
];
const AXES: readonly string[] = ["policy", "budget", "stride", "seed", "evict"]; // options that have lists of their own

/** What a plan's file or the flags say, checked and whole. @param own names of policies of one's own @throws KvcapRangeError */
export function checkPlan(plan: unknown, own: readonly string[] = []): Plan {
  const asked = plan as Record<string, unknown>;
  known(ACTION, asked, NAMES);
  const list = (name: typeof LISTS[number]): unknown[] => {
    const value = asked[name] ?? USUAL[name];
    const found = [...new Set(Array.isArray(value) ? value : [value])];
    if (found.length === 0) refuse(ACTION, `${name} must name at least one`, words("none"), { option: name });
    return found;
  };
  const names = (name: "models" | "policies") => list(name).map((one) => checkName(name, one));
  const settings = Object.fromEntries(
    SETTING_NAMES.filter((name) => asked[name] !== undefined).map((name) => [name, asked[name]]),
  );
  const policies = names("policies").map((name) => checkPolicyName(name, own));
  const [budgets, modes] = [list("budgets").map(checkBudget), list("modes").map(checkMode)];
  const uncounted = budgets.find((budget) => typeof budget !== "number");
  if (modes.includes("decode") && uncounted !== undefined && policies.some((policy) => policy !== "full")) {
    refuse(ACTION, "budgets must be numbers of tokens with the mode decode", uncounted, { option: "budgets" });
  }
  const whole: Plan = {
    models: names("models"),
    tasks: list("tasks").map((task) => checkTask(task, settings)),
    policies,
    budgets,
    strides: list("strides").map((one) => one === null ? null : checkOption("stride", one) as number),
    modes,
    seeds: list("seeds").map((one) => checkOption("seed", one) as number),
    session: checkSessionOptions("session", asked.session ?? {}),
    vary: checkVaried(asked.vary ?? {}),
    load: checkLoadOptions(asked.load ?? {}),
    text: asked.text === undefined || asked.text === null ? null : checkName("text", asked.text),
    baseline: checkPolicyName(checkName("baseline", asked.baseline ?? USUAL.baseline), own),
  };
  checkCount(whole);
  return whole;
}

/** Lists are multiplied: a few that are long would fill the memory. */
function checkCount(plan: Plan): void {
  const lists = [...LISTS.map((name) => plan[name]), ...Object.values(plan.vary)];
  const count = lists.reduce((product, { length }) => product * length, 1);
  if (count > MOST_UNITS) refuse(ACTION, `combinations must be at most ${MOST_UNITS}`, count);
}

function checkName(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  refuse(ACTION, `${name} must be text that is not empty`, value, { option: name });
}

/** A policy's name; what looks like a module is read where it is used. */
function checkPolicyName(name: string, own: readonly string[]): string {
  return own.includes(name) || /[/\\]|\.[cm]?[jt]s$/.test(name)
    ? name
    : SESSION.policy.kind.check(name, "policy", at) as string;
}

function checkMode(value: unknown): Mode {
  if (MODES.includes(value as Mode)) return value as Mode;
  refuse(ACTION, `modes must be of ${MODES.join(", ")}`, value, { option: "modes", names: MODES });
}

/** A value as it stands in a file: text is read as a command line's is. */
function readValue(table: AnyTable, name: string, value: unknown): unknown {
  const { kind } = table[name];
  if (typeof value !== "string" || kind.written === "name") return value;
  return readText(kind, value) ?? value;
}

function checkOption(name: string, value: unknown): Json {
  const read = readValue(SESSION, name, value);
  if (name === "budget") return checkBudget(read);
  checkRow(SESSION, name, read, at);
  return read as Json; // a share stays one: of which budget is not known yet
}

/** Slots, a share of the prompt, or bytes. */
function checkBudget(value: unknown): Json {
  const budget = readValue(SESSION, "budget", value) as Json;
  budgetSlots({ budget: budget as number, spare: 1 }, 1, 1 << 20, ACTION);
  if (typeof budget === "number") checkRow({ budget: SESSION.stride }, "budget", Math.min(budget, 4096), at);
  return budget;
}

function checkSessionName(where: string, name: string): void {
  const sayable = Object.keys(SESSION).filter((name) =>
    SESSION[name as keyof typeof SESSION].kind.written !== null && !AXES.includes(name)
  );
  if (sayable.includes(name)) return;
  const rule = `options of ${where} are ${sayable.join(", ")}`;
  refuse(ACTION, rule, name, { code: "unknown-option", option: name, names: sayable });
}

function checkSessionOptions(where: string, value: unknown): PlainOptions {
  if (!isRecord(value)) refuse(ACTION, `${where} must be options`, value, { option: where });
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => (checkSessionName(where, name), [name, checkOption(name, one)])),
  );
}

function checkVaried(value: unknown): Readonly<Record<string, readonly Json[]>> {
  if (!isRecord(value)) refuse(ACTION, "vary must be lists of options", value, { option: "vary" });
  return Object.fromEntries(
    Object.entries(value).map(([name, values]) => {
      checkSessionName("vary", name);
      if (!Array.isArray(values) || values.length === 0) {
        refuse(ACTION, `${name} must be a list of values under vary`, values, { option: name });
      }
      return [name, values.map((one) => checkOption(name, one))];
    }),
  );
}

function checkLoadOptions(value: unknown): PlainOptions {
  if (!isRecord(value)) refuse(ACTION, "load must be options", value, { option: "load" });
  known(ACTION, value, LOADED);
  const read = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, readValue(LOAD, name, one)]));
  checkLoad(read);
  return given(read) as PlainOptions;
}

/** A task's name, or its name with settings of its own; else those of the plan. */
function checkTask(value: unknown, general: Readonly<Record<string, unknown>>): PlannedTask {
  const { task: name, ...own } = (typeof value === "object" && value !== null ? value : { task: value }) as Record<
    string,
    unknown
  >;
  if (!TASK_NAMES.includes(name as TaskName)) {
    refuse(ACTION, `tasks must be of ${TASK_NAMES.join(", ")}`, name, { option: "tasks", names: TASK_NAMES });
  }
  const usual = taskOf(name as TaskName).settings;
  const has = Object.keys(usual) as SettingName[];
  const stranger = Object.keys(own).find((setting) => !has.includes(setting as SettingName));
  if (stranger !== undefined) {
    const rule = `settings of the task ${name} are ${has.join(", ")}`;
    refuse(ACTION, rule, stranger, { code: "unknown-option", option: stranger, names: has });
  }
  const settings = has.map((setting) => {
    const asked = own[setting] ?? general[setting] ?? usual[setting];
    return [setting, SETTINGS[setting].kind.check(asked, setting, at)];
  });
  return { task: name as TaskName, settings: Object.fromEntries(settings) };
}
