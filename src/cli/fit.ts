/** The command `fit`: the smallest budget, and the policy, under which a text is foreseen almost as well as with the full cache. */
import { KvcapError, refuse, words } from "../errors.ts";
import { fit, type Fitted } from "../eval/fit.ts";
import { columns, shortNumber } from "../eval/table.ts";
import type { Difference } from "../eval/statistics.ts";
import { load, type Model } from "../load.ts";
import { checkSession, type SessionOptions } from "../options/index.ts";
import type { Command } from "./command.ts";
import { readArgument } from "./input.ts";
import { loadOptions, MODEL_FLAGS } from "./model.ts";
import { namedPolicy } from "./policy.ts";
import { note, print, printJson, Progress } from "./terminal.ts";
import { type Arguments, checked, misused, SESSION_FLAGS, SHIPPED } from "./usage.ts";

const PARTS = 8;
const LENGTH = 512; // tokens of a part, where the text has so many
const LEAST = 16;
const POLICIES = "roco,crest,h2o,tova,snapkv,recency";

/** What one policy needs. */
interface Row extends Fitted {
  readonly policy: string;
}

const OWN = SESSION_FLAGS.filter((name) => !["policy", "budget", "evict"].includes(name)); // a part has no prompt

async function fitBudget(args: Arguments): Promise<number> {
  const asked = args.word("fit", 'text (in quotes, "-" or "@FILE")');
  const bound = numberOf(args, "ratio", 1.02);
  if (!(bound > 1)) misused("--ratio must be a number above 1", bound);
  const most = wholeOf(args, "documents", PARTS, 2);
  const length = wholeOf(args, "length", LENGTH, LEAST);
  const session: SessionOptions = args.options("session", "create session");
  checked(() => checkSession(session));
  const names = [...new Set((args.text("policies") ?? POLICIES).split(",").map((name) => name.trim()))];
  const policies = await Promise.all(names.map(namedPolicy));
  checked(() => policies.forEach((policy) => checkSession({ ...session, policy })));
  const text = await readArgument("text", asked);
  const progress = new Progress();
  const model = await load(args.text("model") ?? SHIPPED, loadOptions(args, progress)).finally(() => progress.clear());
  try {
    const parts = partsOf(model, text, { most, length });
    const told = (what: string) => (done: number) => progress.show(what, done, parts.length);
    const full = await lossesOf(model, parts, { ...plain(session), policy: "full" }, told("full"));
    const rows: Row[] = [];
    for (const [i, policy] of policies.entries()) {
      const under = (budget: number) =>
        lossesUnder(model, parts, { ...session, policy, budget }, told(`${names[i]} ${budget}`));
      rows.push({ policy: names[i], ...await fit({ bound, full, most: parts[0].length, losses: under }) });
    }
    progress.clear();
    rows.sort((a, b) => a.smallest.budget - b.smallest.budget);
    tell(args, rows, { bound, parts: parts.length, tokens: parts[0].length });
    return 0;
  } finally {
    progress.clear();
    model.dispose();
  }
}

function numberOf(args: Arguments, name: "ratio" | "documents" | "length", usual: number): number {
  const text = args.text(name);
  if (text === undefined) return usual;
  return text.trim() !== "" && Number.isFinite(Number(text))
    ? Number(text)
    : misused(`--${name} must be a number`, text);
}

function wholeOf(args: Arguments, name: "documents" | "length", usual: number, least: number): number {
  const value = numberOf(args, name, usual);
  return Number.isInteger(value) && value >= least
    ? value
    : misused(`--${name} must be a whole number from ${least}`, value);
}

/** Options that a full cache may have, too. */
function plain({ stride, kv, positions }: SessionOptions): SessionOptions {
  return { ...stride ? { stride } : {}, ...kv ? { kv } : {}, ...positions ? { positions } : {} };
}

/** Parts of a text, spread over it evenly, each behind what the model begins with; shorter ones where it is short. */
function partsOf({ tokenizer }: Model, text: string, { most, length }: { most: number; length: number }): number[][] {
  const [ids, head] = [tokenizer.encode(text), tokenizer.encode("", { bos: true })];
  const size = Math.min(length, Math.floor(ids.length / 4));
  if (size < LEAST) {
    refuse("fit a budget", `the text must have at least ${4 * LEAST} tokens`, words(`${ids.length}`), {
      option: "text",
    });
  }
  const count = Math.min(most, Math.floor(ids.length / size));
  return Array.from({ length: count }, (_, i) => {
    const begin = Math.floor(i * (ids.length - size) / Math.max(1, count - 1));
    return [...head, ...ids.slice(begin, begin + size)];
  });
}

async function lossesOf(
  model: Model,
  parts: readonly number[][],
  session: SessionOptions,
  told: (done: number) => void,
): Promise<number[]> {
  const losses: number[] = [];
  for (const part of parts) {
    told(losses.length);
    losses.push((await model.perplexity(part, session)).loss);
  }
  return losses;
}

/** Likewise; null where what is protected leaves too little of the budget. */
async function lossesUnder(...given: Parameters<typeof lossesOf>): Promise<number[] | null> {
  try {
    return await lossesOf(...given);
  } catch (error) {
    if (error instanceof KvcapError && (error.option === "budget" || error.code === "no-room")) return null;
    throw error;
  }
}

function tell(
  args: Arguments,
  rows: Row[],
  { bound, parts, tokens }: { bound: number; parts: number; tokens: number },
): void {
  if (args.has("json")) return printJson({ ratio: bound, parts, tokens, policies: rows });
  const share = (budget: number) => `${Math.round(100 * budget / tokens)} %`;
  const between = ({ mean, low, high }: Difference) =>
    `${shortNumber(mean)} [${shortNumber(low)}, ${shortNumber(high)}]`;
  const head = ["policy", "budget", "of a part", "ratio", "sure", "of a part", "ratio"];
  const lines = rows.map(({ policy, smallest, sure }) => [
    policy,
    ...[smallest, sure].flatMap(({ budget, ratio }) => [`${budget}`, share(budget), between(ratio)]),
  ]);
  print(`${columns([head, ...lines])}\n`);
  const [{ policy, smallest, sure }] = rows;
  note(
    [
      `smallest    ${smallest.budget} slots per lane under ${policy}: perplexity at most ${bound} times the full cache's`,
      `sure        ${sure.budget} slots: there the whole interval is (95 in 100, over ${parts} parts of ${tokens} tokens)`,
    ].join("\n"),
  );
}

export const fitCommand: Command = {
  run: fitBudget,
  takes: "TEXT",
  about: 'the smallest budget that costs little on TEXT; "-", or "@FILE"',
  flags: [...OWN, ...MODEL_FLAGS, "policies", "ratio", "documents", "length"],
  examples: [
    [
      "fit @story.txt --ratio 1.05 --policies crest,roco --documents 2 --length 128",
      "the smallest budget, and the policy, that cost so little on a text",
    ],
  ],
};
