/** A comparison: what all runs read, what each keeps, and the address that says so. */
import { passkeyText } from "../../src/eval/tasks/passkey-text.ts";
import { LinkReader, MOST_TOKENS, NAMES, type Settings } from "../settings.ts";

/** What sets a run apart, as text; empty: as the library has it. */
export interface Choice {
  readonly policy: string;
  readonly budget: string;
  readonly positions: string;
  readonly kv: string;
}

/** Up to four runs, and what they share. */
export interface Comparison {
  readonly prompt: string;
  readonly max: number; // new tokens
  readonly temperature: string;
  readonly topP: string;
  readonly seed: string;
  readonly stride: string;
  /** A text whose perplexity is measured under each policy; empty: none. */
  readonly text: string;
  /** What a run's text should say; empty: nothing in particular. */
  readonly answer: string;
  readonly runs: readonly Choice[];
}

export const LETTERS = ["A", "B", "C", "D"] as const;
export const SHARED = ["temperature", "topP", "seed", "stride"] as const;

const choice = (policy: string, budget = "", positions = "", kv = ""): Choice => ({ policy, budget, positions, kv });

/** Runs to begin with, and what they read where that matters. */
type Preset = { readonly name: string; readonly runs: readonly Choice[] } & Partial<Comparison>;

const KEY = "41867";
/** A key told behind three of fifteen lines of filler, and asked for at the end: 482 tokens of the shipped model. */
const NEEDLE = { prompt: passkeyText(KEY, 15, 3), answer: KEY, max: 6, stride: "16" };
const needle = (budget: string): Preset => ({
  name: `who finds the key: ${budget}`,
  runs: [choice("full"), ...["crest", "roco", "recency"].map((policy) => choice(policy, budget))],
  ...NEEDLE,
});

const STORY = {
  prompt:
    "Once upon a time, there was a little fox named Finn. He lived in a small house near the river with his mom. " +
    "One day, Finn found a shiny red key under a big tree. He was very happy. He wanted to find out what the key could " +
    "open. He asked his friend, the old owl. The owl said, “The key opens a box. The box is at the top of the hill, but " +
    "the hill is very high.” Finn was not scared. He put the key in his bag and said goodbye to his mom. Then he started " +
    "to walk up the hill. On the way he met a",
  max: 100,
  stride: "",
  answer: "",
};

export const PRESETS: readonly Preset[] = [
  needle("10%"),
  needle("50%"),
  {
    name: "everything, crest, the newest",
    runs: [choice("full"), choice("crest", "25%"), choice("recency", "25%")],
    ...STORY,
  },
  {
    name: "three scores of attention",
    runs: [choice("roco", "25%"), choice("h2o", "25%"), choice("tova", "25%")],
    ...STORY,
  },
  {
    name: "crest under three budgets",
    runs: [choice("crest", "50%"), choice("crest", "25%"), choice("crest", "15%")],
    ...STORY,
  },
  {
    name: "positions: absolute or cache",
    runs: [choice("full"), choice("streaming", "25%"), choice("streaming", "25%", "cache")],
    ...STORY,
  },
  {
    name: "K and V in 32, 16 and 8 bits",
    runs: [choice("full", "", "", "f32"), choice("full", "", "", "f16"), choice("full", "", "", "q8")],
    ...STORY,
  },
];

/** What the view opens with. */
export const FIRST: Comparison = {
  ...{ temperature: "0", topP: "", seed: "", text: "" },
  ...NEEDLE,
  runs: PRESETS[0].runs,
};

/** All settings of one run. */
export function settingsOf(comparison: Comparison, run: number): Settings {
  const { policy, budget, positions, kv } = comparison.runs[run];
  const none = Object.fromEntries(NAMES.map((name) => [name, ""])) as Settings;
  const shared = Object.fromEntries(SHARED.map((name) => [name, comparison[name]]));
  return { ...none, mode: "text", ...shared, policy, budget: policy === "full" ? "" : budget, positions, kv };
}

/** Writes a comparison behind the address's #. @param model as in a run's address */
export function comparisonHash(comparison: Comparison, model: string): string {
  const parts = new URLSearchParams({ view: "compare" });
  if (model) parts.set("model", model);
  for (const { policy, budget, positions, kv } of comparison.runs) {
    parts.append("run", [policy, budget, positions, kv].join(",").replace(/,+$/, ""));
  }
  for (const name of SHARED) if (comparison[name] !== "") parts.set(name, comparison[name]);
  parts.set("max", String(comparison.max));
  parts.set("prompt", comparison.prompt);
  for (const name of ["text", "answer"] as const) if (comparison[name] !== "") parts.set(name, comparison[name]);
  return `#${parts}`;
}

/** Reads what stands behind the address's #; null where no comparison does. `bad`: a sentence about each value that is none */
export function comparisonFrom(hash: string) {
  const link = new LinkReader(hash);
  const { parts, bad } = link;
  const all = parts.getAll("run");
  const empty = [...parts.keys()].every((name) => name === "view");
  if (parts.get("view") !== "compare" || empty) return null;
  link.only(["view", "model", "run", "max", "prompt", "text", "answer", ...SHARED], "run");
  const shared = Object.fromEntries(SHARED.map((name) => [name, link.setting(name)])) as Pick<
    Comparison,
    typeof SHARED[number]
  >;
  const runs = all.slice(0, LETTERS.length).map((run) => {
    const [policy, budget, positions, kv, ...rest] = run.split(",");
    if (rest.length > 0) link.refuse("run", "policy,budget,positions,kv", run);
    return choice(
      link.setting("policy", policy) || "crest",
      link.setting("budget", budget ?? ""),
      link.setting("positions", positions ?? ""),
      link.setting("kv", kv ?? ""),
    );
  });
  if (all.length === 0 || all.length > LETTERS.length) {
    link.refuse("run", `there 1 to ${LETTERS.length} times`, String(all.length));
  }
  const given = parts.get("max") ?? String(STORY.max);
  let max = Number(given);
  if (!(Number.isInteger(max) && max > 0 && max <= MOST_TOKENS)) {
    link.refuse("max", `a whole number from 1 to ${MOST_TOKENS}`, given);
    max = STORY.max;
  }
  const comparison: Comparison = {
    ...shared,
    prompt: parts.get("prompt") ?? "",
    max,
    text: parts.get("text") ?? "",
    answer: parts.get("answer") ?? "",
    runs: runs.length > 0 ? runs : FIRST.runs,
  };
  return { comparison, model: parts.get("model") ?? "", bad };
}
