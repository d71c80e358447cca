/** Reading a command line: flags, the options among them, and faults said in the flags' own names. */
import { parseArgs } from "node:util";
import { KvcapError, KvcapRangeError, type More, nearest, refuse, words } from "../errors.ts";
import { checkSession, type SessionOptions } from "../options/index.ts";
import { oneOf, type Written } from "../options/kinds.ts";
import type { Of } from "../options/table.ts";
import { readText } from "../options/text.ts";
import { ALIASES, flagName, FLAGS, flagsOf, LETTERS, type OptionFlag, type OwnFlag, REFUSING } from "./flags.ts";
import { namedPolicy } from "./policy.ts";

/** A fault in how the program was called. */
export class Usage extends Error {}

/** An error in one sentence; an option is named by its flag, where that is another word. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof KvcapError) || error.option === undefined) return (error as Error).message;
  const { option, rule } = error;
  const name = flagName(option);
  if (name === option || !FLAGS.has(name) || !rule.startsWith(`${option} `)) return error.message;
  return new KvcapError({ ...error, rule: `--${name}${rule.slice(option.length)}` }).message;
}

/** What a check answers, its refusal as a fault of usage. @throws Usage */
export function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof KvcapError ? new Usage(sentenceOf(error), { cause: error }) : error;
  }
}

/** @throws Usage always */
export function misused(rule: string, found: unknown, more: More = {}): never {
  return checked(() => refuse(ACTION, rule, found, more));
}
const ACTION = "read the command line";

/** A word that must be one of some names, as it stands. @throws Usage always */
export function misnamed(rule: string, found: string, names: readonly string[], behind = ""): never {
  const [got, meant] = [found + behind, nearest(found, names)];
  const refusal = { code: "unknown-option", action: ACTION, rule, got } as const;
  const cause = new KvcapRangeError(meant === undefined ? refusal : { ...refusal, meant });
  throw new Usage(cause.message, { cause });
}

/** The model that runs where none is named. */
export const SHIPPED = new URL("../../models/fable-2m", import.meta.url);

/** Flags that say how a cache is kept. */
export const SESSION_FLAGS: readonly string[] = flagsOf("session").map(({ name }) => name);
/** Flags that say how a text goes. */
export const TEXT_FLAGS: readonly string[] = flagsOf("generate").map(({ name }) => name);

/** Flags of a chat alone. */
export const CHAT_FLAGS: readonly string[] = flagsOf("chat").map(({ name }) => name);

/** What each way to write a value must be. */
const RULES: Readonly<Record<Written, string>> = {
  ...{ number: "a number", count: "a number", flag: "", name: "", texts: "", text: "" },
  budget: "slots (128), a share of the prompt (25%), bytes (512KB) or a number behind the prompt (+48)",
  bytes: "bytes (512MB)",
  spans: "FROM:TO, as 0:20",
  biases: "ID:BIAS, as 42:-5",
};

const DASHED = [...FLAGS.keys(), ...Object.keys(ALIASES)].map((name) => `--${name}`);

/** A command line's flags, and what stands between them. */
export class Arguments {
  readonly positionals: string[];
  readonly #values = new Map<string, string[]>(); // by flag: what it was given, "" for one that takes nothing; empty: no
  readonly #origins = new Map<string, string>(); // of flags that were not given here

  /** @throws Usage for a flag that is unknown or lacks its value */
  constructor(args: string[]) {
    const known = [...FLAGS.values(), ...Object.entries(ALIASES).map(([name, of]) => ({ ...FLAGS.get(of)!, name }))];
    const options = Object.fromEntries(known.map(({ name, value }) => [name, {
      type: value === "" ? "boolean" as const : "string" as const,
      ...(LETTERS[name] ? { short: LETTERS[name] } : {}),
    }]));
    const { positionals, tokens } = parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true });
    this.positionals = positionals;
    for (const token of tokens) {
      if (token.kind !== "option") continue;
      const { rawName, inlineValue } = token;
      const value = inlineValue && !rawName.startsWith("--") ? token.value.replace(/^=/, "") : token.value; // -n=5
      const name = ALIASES[token.name] ?? token.name;
      const refused = REFUSING.get(name);
      const flag = refused ? { ...refused, value: "", many: false } : FLAGS.get(name);
      if (!flag) misused("a flag must be one that --help lists", rawName, { code: "unknown-option", names: DASHED });
      if (flag.value === "" && value !== undefined) {
        misused(`${rawName} takes no value; see --help`, args[token.index]);
      }
      if (flag.value !== "" && (value === undefined || !inlineValue && /^-./.test(value))) {
        const dash = value === undefined ? "" : `, one with a dash as ${rawName}=${value}`;
        misused(`${rawName} must have a value behind it${dash}`, words(value ?? "none"));
      }
      if (refused) {
        this.#values.set(refused.name, []);
        continue;
      }
      const values = this.#values.get(name) ?? [];
      this.#values.set(name, flag.many ? [...values, value ?? ""] : [value ?? ""]);
    }
  }

  /** @throws Usage for a flag that this command does not take */
  only(command: string, flags: readonly string[]): void {
    const stranger = [...this.#values.keys()].find((name) => !["help", "json", ...flags].includes(name));
    if (stranger) misused(`${command} takes no --${stranger}; see --help`, this.shown(stranger));
  }

  /** A flag that may be given more than once, but not to this command. @throws Usage */
  once(name: string): string | undefined {
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
    misused(`${command} takes one ${what}`, words(rest.length ? rest.length + 1 : "none"));
  }

  /** Nothing stands behind the command. @throws Usage */
  none(command: string): void {
    if (this.positionals.length > 1) misused(`${command} takes no words`, this.positionals[1]);
  }

  /** Sets a flag that was not given. @param origin who says so @returns whether it was not given @throws Usage */
  beneath(name: string, texts: string[], origin: string): boolean {
    if (this.#values.has(name)) return false;
    const { value } = FLAGS.get(name)!;
    if (value !== "") this.#values.set(name, texts);
    else if (/^(true|1)$/.test(texts.join())) this.#values.set(name, [""]);
    else if (!/^(false|0)$/.test(texts.join())) misused(`${origin}: ${name} must be true or false`, texts.join());
    else if ("option" in FLAGS.get(name)!) this.#values.set(name, []);
    this.#origins.set(name, origin);
    return true;
  }

  /** Takes over flags that were not given here. @returns itself */
  over(others: Arguments): this {
    for (const [name, texts] of others.#values) {
      if (this.#values.has(name)) continue;
      this.#values.set(name, texts);
      if (others.#origins.has(name)) this.#origins.set(name, others.#origins.get(name)!);
    }
    return this;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** A flag as it was given, for messages. */
  shown(name: string): string {
    const { value } = FLAGS.get(name)!;
    return value === "" ? String(this.list(name)!.length > 0) : this.list(name)!.join(",");
  }

  text(name: OwnFlag): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): string[] | undefined {
    return this.#values.get(name);
  }

  /**
   * The options that flags say, read from their texts.
   * @param action what a name or a share that is none is refused with @throws Usage
   */
  options(of: Of, action: string): Record<string, unknown> {
    const given = flagsOf(of).filter(({ name }) => this.has(name));
    return Object.fromEntries(given.map((flag) => [flag.option, this.#read(flag, action)]));
  }

  #read({ name, option, kind }: OptionFlag, action: string): unknown {
    const texts = this.list(name)!;
    if (kind.written === "flag") return texts.length > 0;
    if (kind.written === "texts") return texts;
    const origin = this.#origins.get(name);
    const rule = `${origin === undefined ? "" : `${origin}: `}--${name} must be ${RULES[kind.written!]}`;
    const values = texts.map((text) => readText(kind, text) ?? misused(rule, text));
    if (kind.written === "spans" || kind.written === "biases") return values;
    const [value] = values;
    if (kind.orFunction) checked(() => oneOf(kind.names!).check(value, option, { action }));
    if (kind.written === "count" && typeof value === "object" && (value as { share: number }).share >= 1) {
      const rule = `${option} must be a number of tokens or a share of the budget below 100%`;
      checked(() => refuse(action, rule, value, { option }));
    }
    return value;
  }
}

/** The flags given, but for those that are given other texts. @param originOf who says so, of a flag @throws Usage */
export function argumentsBy(
  args: Arguments,
  other: ReadonlyMap<string, string[]>,
  originOf: (name: string) => string,
): Arguments {
  const own = new Arguments([]);
  for (const [name, texts] of other) own.beneath(name, texts, originOf(name));
  return own.over(args);
}

/** The session's options, as far as they can be checked without a model. @throws Usage; Error for a module that is no policy */
export async function sessionOptions(args: Arguments): Promise<SessionOptions> {
  const action = "create session";
  const session: SessionOptions = args.options("session", action);
  const policy = args.once("policy");
  if (policy !== undefined) session.policy = await namedPolicy(policy);
  // How many slots bytes hold is known once the model is.
  const { budget } = session;
  const inBytes = typeof budget === "object" && "bytes" in budget;
  checked(() => checkSession(inBytes ? { ...session, budget: undefined } : session));
  return session;
}
