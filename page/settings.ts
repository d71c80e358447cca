/** What a visitor can set, as text: the fields of the form, the address of a run, and the library's options. */
import { KvcapRangeError, nearest } from "../src/errors.ts";
import { GENERATE, type GenerateOptions } from "../src/options/generate.ts";
import { LOAD, type LoadOptions } from "../src/options/load.ts";
import type { AnyKind } from "../src/options/kinds.ts";
import { PARTS } from "../src/options/parts.ts";
import { type AnyTable, namesOf } from "../src/options/row.ts";
import { SESSION, type SessionOptions } from "../src/options/session.ts";
import type { OwnPolicy } from "../src/policies/own.ts";
import { readText } from "../src/options/text.ts";

/** One thing asked of a session. Empty text: what was generated last goes on. */
export interface Turn {
  readonly text: string;
  readonly max: number; // new tokens
}

/** Options that are none of a run's settings: a turn has its tokens, lists and functions have no field. */
const UNSET = [
  ...[
    "maxNewTokens",
    "stop",
    "stopIds",
    "banned",
    "bannedStrings",
    "jsonSchema",
    "grammar",
    "logitBias",
    "logprobs",
    "signal",
    "onPrefill",
    "onToken",
    "onLogits",
  ] as const,
  ...["pin", "exactBudget", "onWarning", "onEvict", "onStep", "record"] as const,
];

/** Every setting by name. Empty: as the library has it. */
export type Settings = Record<Name, string>;
export type Name =
  | "mode"
  | "system"
  | "device"
  | Exclude<keyof GenerateOptions | keyof SessionOptions, typeof UNSET[number]>;

const MODES = ["text", "chat"] as const;
const FLAG = ["yes", "no"] as const;
const ROWS: AnyTable = { ...GENERATE, ...SESSION, device: LOAD.device };

const SET = namesOf(ROWS).filter((name) => !UNSET.includes(name as "pin"));

/** The policy's parts last, as the form has them. */
export const NAMES = ["mode", "system", ...SET.toSorted((a, b) => Number(a in PARTS) - Number(b in PARTS))] as Name[];

/** What the page opens with. */
export const DEFAULTS: Settings = {
  ...Object.fromEntries(NAMES.map((name) => [name, ""])) as Settings,
  ...{ mode: "text", policy: "crest", budget: "96", temperature: "0.7", topP: "0.95", seed: "2" },
};
export const FIRST: Turn = { text: "Once upon a time, there was a little fox who", max: 300 };
export const MOST_TOKENS = 20_000; // of a run: the page shows every one

const own = new Map<string, OwnPolicy | null>();

/** Lets the setting `policy` be one of the visitor's own. @param policy null in the page, which runs no code but its own */
export function addPolicy(name: string, policy: OwnPolicy | null = null): void {
  own.set(name, policy);
}

/** What a setting may be, where that is a list. */
export function choicesOf(name: Name): readonly string[] | undefined {
  const kind: AnyKind | undefined = ROWS[name]?.kind;
  if (name === "policy") return [...kind!.names!, ...own.keys()];
  return name === "mode" ? MODES : kind?.written === "flag" ? FLAG : kind?.names;
}

/** What an empty setting stands for, where that is one of a list. */
export function defaultOf(name: Name): string {
  const value = ROWS[name]?.default;
  return typeof value === "boolean" ? FLAG[value ? 0 : 1] : String(value);
}

/** Reads one setting. @throws KvcapRangeError */
function read(name: Name, text: string, action: string): unknown {
  const no = (rule: string, names?: readonly string[]) =>
    refusal(action, { name: LABELS[name] ?? name, rule, text, option: name, names });
  const choices = choicesOf(name);
  if (choices) {
    if (!choices.includes(text)) throw no(`${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`, choices);
    return choices === FLAG ? text === "yes" : name === "policy" ? own.get(text) ?? text : text;
  }
  if (name === "system") return text;
  const { kind } = ROWS[name];
  const value = readText(kind, text);
  if (value === null) {
    const budget = "slots (96), a share of the prompt (25%), bytes (512KB) or a number behind it (+48)";
    throw no(kind.written === "budget" ? budget : "a number");
  }
  if (kind.written === "count" && (value as { share?: number }).share! >= 1) {
    throw no("tokens or a share of the budget below 100%");
  }
  return value;
}

/** What breaks a rule in which way. */
interface Broken {
  readonly name: string; // as it is told
  readonly rule: string;
  readonly text: string;
  readonly option?: string; // where that is another name
  readonly names?: readonly string[] | undefined; // that there are
}

function refusal(action: string, { name, rule, text, option = name, names = [] }: Broken) {
  const meant = nearest(text, names);
  const said = { code: "bad-option", action, rule: `${name} must be ${rule}`, got: text.slice(0, 40), option } as const;
  return new KvcapRangeError(meant === undefined ? said : { ...said, meant });
}

const LABELS: Partial<Record<Name, string>> = { topP: "top-p", pinPrompt: "the pinned prompt" };

/** What the library is asked for, by the call that takes it. */
export interface Asked {
  readonly load: Pick<LoadOptions, "device">;
  readonly session: SessionOptions;
  readonly generate: GenerateOptions;
}

/** The library's options. @throws KvcapRangeError */
export function optionsOf(settings: Settings): Asked {
  const load: Record<string, unknown> = {};
  const session: Record<string, unknown> = {};
  const generate: Record<string, unknown> = {};
  for (const name of NAMES) {
    if (settings[name] === "" || name === "mode" || name === "system") continue;
    (name === "device" ? load : name in SESSION ? session : generate)[name] = read(name, settings[name], "run");
  }
  return { load, session, generate };
}

/** What is to compute the model of a run. */
export const deviceOf = ({ device }: Settings) => (device || defaultOf("device")) as LoadOptions["device"] & string;

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

  refuse(name: string, rule: string, text: string, names?: readonly string[]): void {
    this.bad.push(refusal("open the link", { name, rule, text, names }).message);
  }

  /** Refuses what has another name, or stands there twice. @param many the name that may */
  only(names: readonly string[], many: string): void {
    for (const name of new Set(this.parts.keys())) {
      const times = this.parts.getAll(name).length;
      if (!names.includes(name)) this.refuse("a name", "one that such links have", name, names);
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
  settings.policy ||= "crest";
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
