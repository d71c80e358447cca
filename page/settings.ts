/** What a visitor can set, as text: the fields of the form, the address of a run, and the library's options. */
import { parseBudget } from "../src/budget.ts";
import type { Count, GenerateOptions, SessionOptions } from "../src/options.ts";
import type { Turn } from "./protocol.ts";

/** Every setting by name. Empty: as the library has it. */
export type Settings = Record<Name, string>;
type Kind = "number" | "budget" | "count" | "text" | "flag";
export type Name = keyof typeof FIELDS;

const FIELDS = {
  mode: "text", // "text" or "chat"
  system: "text",
  temperature: "number",
  topP: "number",
  seed: "number",
  stopAtEnd: "flag",
  policy: "text",
  budget: "budget",
  stride: "number",
  positions: "text",
  allocation: "text",
  kv: "text",
  score: "text",
  scope: "text",
  window: "number",
  pool: "text",
  width: "number",
  shared: "flag",
  sinks: "count",
  newest: "count",
  unsettled: "count",
  aggregate: "text",
  pinPrompt: "flag",
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
function read(name: Name, text: string): unknown {
  const refuse = (rule: string) => new RangeError(`Cannot run: ${LABELS[name] ?? name} must be ${rule}, got ${text}`);
  switch (FIELDS[name] as Kind) {
    case "text":
      return text;
    case "flag":
      return text === "yes";
    case "budget": {
      const budget = parseBudget(text);
      if (budget === null) throw refuse("slots (96), a share of the prompt (25%) or bytes (512KB)");
      return budget;
    }
    case "count": {
      const percent = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
      if (percent) return { share: Number(percent[1]) / 100 } satisfies Count;
    } // falls through
    case "number":
      if (text.trim() === "" || Number.isNaN(Number(text))) throw refuse("a number");
      return Number(text);
  }
}

const LABELS: Partial<Record<Name, string>> = { topP: "top-p", pinPrompt: "the pinned prompt" };

/** The library's options. @throws RangeError in a sentence */
export function optionsOf(settings: Settings): { session: SessionOptions; generate: GenerateOptions } {
  const session: Record<string, unknown> = {};
  const generate: Record<string, unknown> = {};
  for (const name of NAMES) {
    if (settings[name] === "" || name === "mode" || name === "system") continue;
    (GENERATE.includes(name) ? generate : session)[name] = read(name, settings[name]);
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

/** Reads what stands behind the address's #; null where no run does. */
export function fromHash(hash: string): Address | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  let room = MOST_TOKENS;
  const turns = parts.getAll("turn").flatMap((part): Turn[] => {
    const [, max, text] = /^(\d{1,5}):([\s\S]*)$/.exec(part) ?? [];
    if (!max || room === 0) return [];
    const turn = { text, max: Math.min(room, Math.max(1, Number(max))) };
    room -= turn.max;
    return [turn];
  });
  if (turns.length === 0) return null;
  const settings = Object.fromEntries(NAMES.map((name) => [name, parts.get(name) ?? ""])) as Settings;
  return { settings, turns, model: parts.get("model") ?? "" };
}
