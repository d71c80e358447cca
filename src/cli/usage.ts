/** Reading a command line: flags, the session options among them, and faults said in the flags' own names. */
import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import { parseBudget } from "../options/budget.ts";
import { checkSession, type Count, type SessionOptions, type Span } from "../options/index.ts";

/** A fault in how the program was called. */
export class Usage extends Error {}

/** @throws Usage always */
export function misused(rule: string, value: unknown): never {
  throw new Usage(
    `Cannot read the command line: ${rule}, got ${typeof value === "string" ? JSON.stringify(value) : value}`,
  );
}

/** The model that runs where none is named. */
export const SHIPPED = new URL("../../models/fable-2m", import.meta.url);

const text = { type: "string" } as const;
const list = { type: "string", multiple: true } as const;
const flag = { type: "boolean" } as const;
const FLAGS = {
  ...{ model: text, weights: text, memory: text, "no-cache": flag, json: flag, help: { type: "boolean", short: "h" } },
  ...{ policy: list, score: text, scope: text, window: text, pool: text, width: text, shared: flag },
  ...{ budget: text, stride: text, sinks: text, newest: text, unsettled: text, aggregate: text },
  ...{ "pin-prompt": flag, pin: list, positions: text, allocation: text, kv: text, "exact-budget": flag, seed: text },
  ...{ "max-new-tokens": text, temperature: text, "top-p": text, stop: list, "ignore-eos": flag },
  ...{ first: text, record: text, save: text, resume: text, system: text },
} satisfies ParseArgsOptionsConfig;

type Flag = keyof typeof FLAGS;
export const FLAG_NAMES = Object.keys(FLAGS);

/** Flags that say how a cache is kept. */
export const SESSION_FLAGS: readonly Flag[] = [
  ...["policy", "score", "scope", "window", "pool", "width", "shared", "budget", "stride", "sinks", "newest"] as const,
  ...["unsettled", "aggregate", "pin-prompt", "pin", "positions", "allocation", "kv", "exact-budget", "seed"] as const,
];

/** What parseArgs says of a flag, as a rule. @throws Usage always */
function misread(fault: string, args: string[]): never {
  const [, flag = ""] = /'(?:-h, )?(--?[^' ]+)/.exec(fault) ?? [];
  if (fault.startsWith("Unknown")) misused("a flag must be one that --help lists", flag);
  if (fault.includes("does not take")) {
    misused(
      `${flag} takes no value; see --help`,
      args.find((arg) => arg.startsWith(flag)),
    );
  }
  const behind = args[args.indexOf(flag) + 1];
  const dash = behind === undefined ? "" : `, one with a dash as ${flag}=${behind}`;
  throw new Usage(`Cannot read the command line: ${flag} must have a value behind it${dash}, got ${behind ?? "none"}`);
}

/** A command line's flags, and what stands between them. */
export class Arguments {
  readonly positionals: string[];
  readonly #values: Record<string, unknown>;

  /** @throws Usage for a flag that is unknown or lacks its value */
  constructor(args: string[]) {
    try {
      const { positionals, values } = parseArgs({ args, options: FLAGS, allowPositionals: true, strict: true });
      this.positionals = positionals;
      this.#values = values;
    } catch (error) {
      misread((error as Error).message, args);
    }
  }

  /** @throws Usage for a flag that this command does not take */
  only(command: string, flags: readonly Flag[]): void {
    const stranger = Object.keys(this.#values).find((name) => !["help", "json", ...flags].includes(name));
    if (stranger) misused(`${command} takes no --${stranger}; see --help`, this.shown(stranger as Flag));
  }

  /** A flag that may be given more than once, but not to this command. @throws Usage */
  once(name: Flag): string | undefined {
    const [value, ...more] = this.list(name) ?? [];
    return more.length > 0 ? misused(`--${name} may be given once only`, more.length + 1) : value;
  }

  /** The only word behind the command, or none. @throws Usage where there are more */
  atMostOne(command: string, what: string): string | undefined {
    return this.positionals.length < 2 ? undefined : this.word(command, what);
  }

  /** The only word behind the command. @throws Usage where it is not the only one */
  word(command: string, what: string): string {
    const [, word, ...rest] = this.positionals;
    if (word !== undefined && rest.length === 0) return word;
    throw new Usage(
      `Cannot read the command line: ${command} takes one ${what}, got ${rest.length ? rest.length + 1 : "none"}`,
    );
  }

  /** Nothing stands behind the command. @throws Usage */
  none(command: string): void {
    if (this.positionals.length > 1) misused(`${command} takes no words`, this.positionals[1]);
  }

  has(name: Flag): boolean {
    return Boolean(this.#values[name]);
  }

  /** A flag as it was given, for messages. */
  shown(name: Flag): string {
    return String(this.#values[name]);
  }

  text(name: Flag): string | undefined {
    return this.#values[name] as string | undefined;
  }

  list(name: Flag): string[] | undefined {
    return this.#values[name] as string[] | undefined;
  }

  /** @throws Usage unless it is a number */
  number(name: Flag): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    return text.trim() === "" || Number.isNaN(value) ? misused(`--${name} must be a number`, text) : value;
  }

  /** A number of tokens, or a share of the budget. @throws Usage */
  count(name: Flag): Count | undefined {
    const text = this.text(name);
    const percent = text === undefined ? null : /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
    return percent ? { share: Number(percent[1]) / 100 } : this.number(name);
  }

  /** @throws Usage */
  budget(): SessionOptions["budget"] {
    const text = this.text("budget");
    if (text === undefined) return undefined;
    const rule = "--budget must be slots (128), a share of the prompt (25%) or bytes (512KB)";
    return parseBudget(text) ?? misused(rule, text);
  }

  /** A number of bytes. @throws Usage */
  bytes(name: Flag): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const read = parseBudget(text);
    if (read !== null && typeof read === "object" && "bytes" in read) return Math.floor(read.bytes);
    return misused(`--${name} must be bytes (512MB)`, text);
  }

  /** @throws Usage */
  spans(name: Flag): Span[] | undefined {
    return this.list(name)?.map((text) => {
      const span = /^\s*(\d+)\s*:\s*(\d+)\s*$/.exec(text) ?? misused(`--${name} must be FROM:TO, as 0:20`, text);
      return [Number(span[1]), Number(span[2])];
    });
  }
}

/** The session's options, as far as they can be checked without a model: all but the policy where there are no checks. @throws Usage */
export function sessionOptions(args: Arguments, checks = true): SessionOptions {
  const session = {
    policy: checks ? args.once("policy") : undefined,
    score: args.text("score"),
    scope: args.text("scope"),
    window: args.number("window"),
    pool: args.text("pool"),
    width: args.number("width"),
    shared: args.has("shared") || undefined,
    budget: args.budget(),
    stride: args.number("stride"),
    sinks: args.count("sinks"),
    newest: args.count("newest"),
    unsettled: args.count("unsettled"),
    pinPrompt: args.has("pin-prompt") || undefined,
    pin: args.spans("pin"),
    aggregate: args.text("aggregate"),
    positions: args.text("positions"),
    allocation: args.text("allocation"),
    kv: args.text("kv"),
    exactBudget: args.has("exact-budget") || undefined,
    seed: args.number("seed"),
  } as SessionOptions;
  if (!checks) return session;
  // How many slots bytes hold is known once the model is.
  const { budget } = session;
  const inBytes = typeof budget === "object" && "bytes" in budget;
  checked(() => checkSession(inBytes ? { ...session, budget: undefined } : session));
  return session;
}

/** The library's names of options, which a user of the command line does not know. */
const FLAG_OF: Record<string, string> = {
  maxNewTokens: "--max-new-tokens",
  topP: "--top-p",
  pinPrompt: "--pin-prompt",
  "{ share } of the budget, from 0 to below 1": "a share of the budget below 100%",
  " or a function": "",
};
const LIBRARY = new RegExp(Object.keys(FLAG_OF).join("|"), "g");

/** What a check of the library answers, its refusal as a fault of usage. @throws Usage */
export function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new Usage((error as Error).message.replace(LIBRARY, (name) => FLAG_OF[name]));
  }
}
