/** The command that measures one unit again. */
import { LOAD } from "../options/load.ts";
import type { AnyTable } from "../options/row.ts";
import { SESSION } from "../options/session.ts";
import type { Json, PlainOptions } from "./plan.ts";
import type { Unit } from "./units.ts";

const flagName = (option: string) => option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A word as a shell takes it. */
const quoted = (word: string) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A flag and what stands behind it. */
const flag = (name: string, text: string) => text.startsWith("-") ? [`--${name}=${text}`] : [`--${name}`, text];

/** One name of a list of names: commas are between them. */
const listed = (name: string) => name.replaceAll(",", "\\,");

/** A share as per cent, in as few digits as give the same number again. */
function percent(share: number): string {
  let digits = 2;
  while (Number(share.toFixed(digits)) !== share && digits < MOST_DIGITS) digits++;
  const text = share.toFixed(digits).replace(/^(\d)\.(\d\d)/, "$1$2.");
  return `${text.replace(/^0+(?=\d)|\.$/g, "")}%`;
}
const MOST_DIGITS = 100; // that toFixed writes

/** A number of tokens, or what stands for one. */
function amount(value: Json): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { share, bytes, generated } = value as { share?: number; bytes?: number; generated?: number };
  return share !== undefined ? percent(share) : bytes !== undefined ? `${bytes}B` : `+${generated}`;
}

/** The flags of an option: one that is just there, or says no; one for each span. */
function option(table: AnyTable, name: string, value: Json): string[] {
  const [flagged, { written }] = [flagName(name), table[name].kind];
  const no = written === "flag" ? value === false : Array.isArray(value) && value.length === 0;
  if (no) return [`--no-${flagged}`];
  if (written === "flag") return [`--${flagged}`];
  if (written === "spans") return (value as Json[][]).flatMap((span) => flag(flagged, span.join(":")));
  return flag(flagged, written === "bytes" ? `${value}B` : amount(value));
}

/** The command line of a unit. */
export function commandOf(
  { model, task, settings, policy, budget, stride, seed, session, load, text, mode }: Unit,
): string {
  const options = (table: AnyTable, values: PlainOptions) =>
    Object.entries(values).flatMap(([name, value]) => option(table, name, value));
  const words = [
    ...[...flag("models", listed(model)), "--tasks", task, ...flag("policies", listed(policy))],
    ...budget === undefined ? [] : ["--budgets", amount(budget)],
    ...stride === undefined ? [] : ["--strides", String(stride)],
    ...["--modes", mode, "--seeds", String(seed)],
    ...Object.entries(settings).flatMap(([name, value]) => [`--${flagName(name)}`, String(value)]),
    ...[...options(SESSION, session), ...options(LOAD, load)],
    ...text?.file ? flag("text", text.file) : [],
  ];
  return `npm start -- eval ${words.map(quoted).join(" ")}`;
}
