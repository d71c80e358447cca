/** A plan of measurements as the command line gives it: a file in YAML, and flags, which go before it. */
import { parse } from "yaml";
import { oneLine, refuse, words } from "../errors.ts";
import { checkPlan, type Plan } from "../eval/plan.ts";
import { SETTING_NAMES } from "../eval/tasks/settings.ts";
import ferry from "../eval/texts/ferry.txt" with { type: "text" };
import { flagName, type OwnFlag } from "./flags.ts";
import { readTextFile } from "./input.ts";
import { MODEL_FLAGS } from "./model.ts";
import { type Arguments, checked, misused, SESSION_FLAGS } from "./usage.ts";

const LISTS = ["models", "tasks", "policies", "budgets", "strides", "modes", "seeds"] as const;
const NUMBERS: readonly string[] = ["strides", "seeds"];
const ONE = ["model", "policy", "budget", "stride"]; // flags whose lists stand in their place

/** Flags that make a plan. */
export const PLAN_FLAGS: readonly string[] = [
  ...LISTS,
  ...SETTING_NAMES.map(flagName),
  ...["text", "baseline"],
  ...[...SESSION_FLAGS, ...MODEL_FLAGS].filter((name) => ![...ONE, "seed", "no-cache", "threads"].includes(name)),
];

/** What stands on the command line in place of a file, and in a file. */
type Raw = Record<string, unknown>;

/** The whole plan. @param file in YAML, or undefined @throws Usage for a flag; KvcapError for what the file holds */
export async function readPlan(args: Arguments, file: string | undefined): Promise<Plan> {
  const beneath = file === undefined ? {} : await parseFile(file);
  const above = flagged(args);
  const under = (name: "session" | "load") => {
    const [options, flags] = [beneath[name] ?? {}, above[name] as object];
    return typeof options === "object" && !Array.isArray(options) ? { ...options, ...flags } : options; // refused there
  };
  const raw = { ...beneath, ...above, session: under("session"), load: under("load") };
  return file === undefined ? checked(() => checkPlan(raw)) : checkPlan(raw);
}

async function parseFile(path: string): Promise<Raw> {
  const text = await readTextFile("plan", path);
  const refused = (found: string, cause?: unknown): never =>
    refuse("read the plan", `${path} must be a mapping in YAML`, words(found), {
      code: "bad-file",
      kind: "plain",
      cause,
    });
  let found: unknown;
  try {
    found = parse(text);
  } catch (error) {
    refused(oneLine((error as Error).message), error);
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) refused("another value");
  return found as Raw;
}

/** Only what flags were given for. */
function flagged(args: Arguments): Raw {
  const listed = (name: OwnFlag) =>
    args.text(name)!.split(/(?<!\\),/).map((word) => word.trim().replaceAll("\\,", ","));
  const number = (name: string, text: string) =>
    text !== "" && Number.isFinite(Number(text)) ? Number(text) : misused(`--${name} must be a number`, text);
  const lists = LISTS.filter((name) => args.has(name)).map((name) => {
    const values = listed(name);
    return [name, NUMBERS.includes(name) ? values.map((text) => number(name, text)) : values];
  });
  const settings = SETTING_NAMES.filter((name) => args.has(flagName(name))).map((name) => {
    const flag = flagName(name) as OwnFlag;
    const values = listed(flag).map((text) => number(flag, text));
    return [name, values.length === 1 ? values[0] : values];
  });
  const texts = (["text", "baseline"] as const).filter((name) => args.has(name)).map((name) => [name, args.text(name)]);
  const { threads: _, ...load } = args.options("load", "load model"); // threads change no number
  return {
    ...Object.fromEntries([...lists, ...settings, ...texts]),
    session: args.options("session", "create session"),
    load,
  };
}

/** The text that a plan's documents are cut from. @throws KvcapError */
export async function textOf({ text }: Plan): Promise<string> {
  return text === null ? ferry : await readTextFile("text", text);
}
