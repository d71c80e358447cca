/** What a visitor can set, as text: the fields of the form, the address of a run, and the library's options. */
import { KvcapRangeError } from "../src/errors.ts";
import { parseBudget } from "../src/options/budget.ts";
import { POOLS, SCOPES, SCORES } from "../src/core/rule.ts";
import { policies } from "../src/policies/index.ts";
import type { Count, GenerateOptions, SessionOptions } from "../src/options/index.ts";
import type { Turn } from "./protocol.ts";

/** Every setting by name. Empty: as the library has it. */
export type Settings = Record<Name, string>;
type Kind = "number" | "budget" | "count" | "text" | readonly string[]; // a list: one of these
export type Name = keyof typeof FIELDS;

const FLAG = ["yes", "no"] as const;
const FIELDS = {
  mode: ["text", "chat"],
  system: "text",
  temperature: "number",
  topP: "number",
  seed: "number",
  stopAtEnd: FLAG,
  policy: Object.keys(policies),
  budget: "budget",
  stride: "number",
  positions: ["absolute", "cache"],
  allocation: ["uniform", "pyramid", "adaptive"],
  kv: ["f32", "f16", "q8"],
  score: SCORES,
  scope: SCOPES,
  window: "number",
  pool: POOLS,
  width: "number",
  shared: FLAG,
  sinks: "count",
  newest: "count",
  unsettled: "count",
  aggregate: ["mean", "max"],
  pinPrompt: FLAG,
} as const satisfies Record<string, Kind>;

export const NAMES = Object.keys(FIELDS) as Name[];
const GENERATE: readonly Name[] = ["temperature", "topP", "stopAtEnd"];

/** What the page opens with. */
export const DEFAULTS: Settings = {
  ...Object.fromEntries(NAMES.map((name) => [name, ""])) as Settings,
  ...{ mode: "text", policy: "roco", budget: "96", temperature: "0.7", topP: "0.95", seed: "2" },
};
export const FIRST: Turn = { text: "Once upon a time, there was a little fox who", max: 300 };
export const MOST_TOKENS = 20_000; // of a run: the page shows every one

/** Reads one setting. @throws RangeError in a sentence */
function read(name: Name, text: string, action: string): unknown {
  const refuse = (rule: string) => refusal(action, LABELS[name] ?? name, rule, text);
  const kind: Kind = FIELDS[name];
  if (typeof kind !== "string") {
    if (!kind.includes(text)) throw refuse(`${kind.slice(0, -1).join(", ")} or ${kind.at(-1)}`);
    return kind === FLAG ? text === "yes" : text;
  }
  switch (kind) {
    case "text":
      return text;
    case "budget": {
      const budget = parseBudget(text);
      if (budget === null) throw refuse("slots (96), a share of the prompt (25%) or bytes (512KB)");
      return budget;
    }
    case "count": {
      const percent = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
      if (percent && Number(percent[1]) >= 100) throw refuse("tokens or a share of the budget below 100%");
      if (percent) return { share: Number(percent[1]) / 100 } satisfies Count;
    } // falls through
    case "number":
      if (text.trim() === "" || Number.isNaN(Number(text))) throw refuse("a number");
      return Number(text);
  }
}

const refusal = (action: string, name: string, rule: string, text: string) =>
  new KvcapRangeError({ code: "bad-option", action, rule: `${name} must be ${rule}`, got: text.slice(0, 40) });

const LABELS: Partial<Record<Name, string>> = { topP: "top-p", pinPrompt: "the pinned prompt" };

/** The library's options. @throws RangeError in a sentence */
export function optionsOf(settings: Settings): { session: SessionOptions; generate: GenerateOptions } {
  const session: Record<string, unknown> = {};
  const generate: Record<string, unknown> = {};
  for (const name of NAMES) {
    if (settings[name] === "" || name === "mode" || name === "system") continue;
    (GENERATE.includes(name) ? generate : session)[name] = read(name, settings[name], "run");
  }
  return { session, generate };
}

/** A run, and where its model is from. */
export interface Address {
  readonly settings: Settings;
  readonly turns: readonly Turn[];
  /** A URL, "file:NAME" for a file that only its owner has, or "": the shipped model. */
  readonly model: string;
}

/** Writes a run behind the address's #. */
export function toHash({ settings, turns, model }: Address): string {
  const parts = new URLSearchParams();
  if (model) parts.set("model", model);
  for (const name of NAMES) if (settings[name] !== "") parts.set(name, settings[name]);
  for (const { text, max } of turns) parts.append("turn", `${max}:${text}`);
  return `#${parts}`;
}

/** What is read of a link, value by value. */
export class LinkReader {
  readonly parts: URLSearchParams;
  /** A sentence about each value that is none. */
  readonly bad: string[] = [];

  constructor(hash: string) {
    this.parts = new URLSearchParams(hash.replace(/^#/, ""));
  }

  refuse(name: string, rule: string, text: string): void {
    this.bad.push(refusal("open the link", name, rule, text).message);
  }

  /** Refuses what has another name, or stands there twice. @param many the name that may */
  only(names: readonly string[], many: string): void {
    for (const name of new Set(this.parts.keys())) {
      const times = this.parts.getAll(name).length;
      if (!names.includes(name)) this.refuse("a name", "one that such links have", name);
      else if (times > 1 && name !== many) this.refuse(name, "there once", String(times));
    }
  }

  /** A setting; empty where there is none, or a bad one. */
  setting(name: Name, text = this.parts.get(name) ?? ""): string {
    try {
      if (text !== "") read(name, text, "open the link");
      return text;
    } catch (error) {
      this.bad.push((error as Error).message);
      return "";
    }
  }
}

/** Reads what stands behind the address's #; null where nothing of a run does. */
export function fromHash(hash: string): (Address & { readonly bad: readonly string[] }) | null {
  const link = new LinkReader(hash);
  const { parts, bad } = link;
  const view = parts.get("view");
  if (view === "compare" || view === "cost") return null;
  if (!["view", "turn", ...NAMES].some((name) => parts.has(name))) return null;
  if (view !== null) link.refuse("view", "compare or cost", view);
  link.only(["view", "model", "turn", ...NAMES], "turn");
  const settings = Object.fromEntries(NAMES.map((name) => [name, link.setting(name)])) as Settings;
  settings.mode ||= "text";
  settings.policy ||= "roco";
  let room = MOST_TOKENS;
  const turns = parts.getAll("turn").flatMap((part): Turn[] => {
    const [, max, text] = /^(\d{1,5}):([^]*)$/.exec(part) ?? [];
    if (Number(max) >= 1 && Number(max) <= room) {
      room -= Number(max);
      return [{ text, max: Number(max) }];
    }
    link.refuse("turn", `its new tokens, a colon and its text, ${MOST_TOKENS} tokens in all at most`, part);
    return [];
  });
  return { settings, turns, model: parts.get("model") ?? "", bad };
}
