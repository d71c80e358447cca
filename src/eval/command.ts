/** The command that measures one unit again. */
import { budgetText } from "./labels.ts";
import type { Json } from "./plan.ts";
import type { Unit } from "./units.ts";

const flagName = (option: string) => option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A word as a shell takes it. */
const quoted = (word: string) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** A value as a flag has it: "20%", "0:4". */
function shown(value: Json): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? value.join(",") : budgetText(value);
}

/** Flags of options: one that is just there, one for each span of a list. */
function flagged(name: string, value: Json): string[] {
  if (value === true) return [`--${flagName(name)}`];
  if (value === false) return [];
  if (Array.isArray(value) && Array.isArray(value[0])) {
    return value.flatMap((span) => [`--${flagName(name)}`, (span as Json[]).join(":")]);
  }
  return [`--${flagName(name)}`, shown(value)];
}

/** The command line of a unit. */
export function commandOf(
  { model, task, settings, policy, budget, stride, seed, session, load, text, mode }: Unit,
): string {
  const words = [
    ...["--models", model, "--tasks", task, "--policies", policy],
    ...budget === undefined ? [] : ["--budgets", shown(budget)],
    ...stride === undefined ? [] : ["--strides", String(stride)],
    ...["--modes", mode, "--seeds", String(seed)],
    ...Object.entries({ ...settings, ...session, ...load } as Record<string, Json>).flatMap(([name, value]) =>
      flagged(name, value)
    ),
    ...text?.file ? ["--text", text.file] : [],
  ];
  return `npm start -- eval ${words.map(quoted).join(" ")}`;
}
