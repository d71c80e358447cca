/** Every flag: those of the table of options, and the command line's own. */
import { HELP, type Help } from "../options/help.ts";
import type { AnyKind } from "../options/kinds.ts";
import { type AnyRow, type AnyTable, namesOf } from "../options/row.ts";
import { type Of, OPTIONS } from "../options/table.ts";

/** A flag, without its dashes. */
export interface Flag {
  readonly name: string;
  /** What stands behind it in --help; empty: nothing does, it is there or not. */
  readonly value: string;
  /** Whether it may be given more than once. */
  readonly many: boolean;
}

/** A flag that is an option. */
export interface OptionFlag extends Flag {
  /** The option's name. */
  readonly option: string;
  readonly kind: AnyKind;
}

/** The command line's own flags, and what stands behind them. */
const OWN = {
  ...{ model: "WHERE", "no-cache": "", "ignore-eos": "", save: "FILE", resume: "FILE", system: "TEXT", record: "FILE" },
  ...{ models: "WHERE,…", tasks: "NAME,…", policies: "NAME,…", budgets: "N|N%,…", strides: "N,…", modes: "NAME,…" },
  ...{ seeds: "N,…", documents: "N", length: "N", lengths: "N,…", depths: "D,…", "new-tokens": "N", draft: "N" },
  ...{
    text: "FILE",
    baseline: "NAME",
    out: "FILE",
    report: "FILE",
    force: "",
    "no-times": "",
    ratio: "R",
    workers: "N",
    queue: "URL",
  },
  ...{
    host: "ADDRESS",
    parallel: "N",
    waiting: "N",
    "max-prompt-tokens": "N",
    "cache-memory": "NMB",
    timeout: "SECONDS",
  },
  ...{
    set: "NAME.OPTION=VALUE",
    connections: "N",
    "api-key-file": "FILE",
    cors: "ORIGIN",
    store: "WHERE",
    "store-size": "NMB",
  },
  ...{ prompt: "TEXT", port: "N", json: "", help: "", version: "" },
} as const;
/** A flag of the command line's own. */
export type OwnFlag = keyof typeof OWN;

/** An option's name as a flag has it: "max-new-tokens". */
export function flagName(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The rows of what options are of. */
export function rowsOf(of: Of): readonly { name: string; row: AnyRow; help: Help }[] {
  const [rows, words] = [OPTIONS[of] as AnyTable, HELP[of] as Record<string, Help>];
  return namesOf(rows).map((name) => ({ name, row: rows[name], help: words[name] }));
}

const LISTS: readonly unknown[] = ["spans", "biases", "texts"];

/** The flags of what options are of, in the table's order. */
export function flagsOf(of: Of): OptionFlag[] {
  const flagged = rowsOf(of).filter(({ help }) => help.flag !== undefined);
  return flagged.map(({ name: option, row, help }) => {
    const many = option === "policy" || LISTS.includes(row.kind.written);
    return { name: flagName(option), value: help.flag!, many, option, kind: row.kind };
  });
}

/** One letter for a flag. */
export const LETTERS: Readonly<Record<string, string>> = {
  ...{ model: "m", prompt: "p", "max-new-tokens": "n", budget: "c", threads: "t", seed: "s", help: "h", version: "V" },
};

/** Names that other programs have for flags. */
export const ALIASES: Readonly<Record<string, string>> = {
  ...{ temp: "temperature", predict: "max-new-tokens", "n-predict": "max-new-tokens", "ctx-size": "budget" },
  ...{ "repeat-penalty": "repetition-penalty", "repeat-last-n": "penalty-window", "system-prompt": "system" },
  ...{ ban: "banned-strings" },
};

const own = Object.entries(OWN).map(([name, value]): Flag => ({ name, value, many: ["cors", "set"].includes(name) }));
const tabled = (Object.keys(OPTIONS) as Of[]).flatMap(flagsOf);

/** Options that a flag may also say no to, by that flag: "no-shared". */
export const REFUSING: ReadonlyMap<string, OptionFlag> = new Map(
  tabled.filter(({ kind }) => ["flag", "spans"].includes(kind.written!)).map((flag) => [`no-${flag.name}`, flag]),
);

/** All of them, by name. */
export const FLAGS: ReadonlyMap<string, Flag | OptionFlag> = new Map(
  [...own, ...tabled].map((flag) => [flag.name, flag]),
);
