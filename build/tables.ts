// Writes the table of policies into README.md and those of more policies and options into docs/options.md, between their markers, from the table of
// options:
//   deno run -A build/tables.ts
import { flagName, rowsOf } from "../src/cli/flags.ts";
import { POLICIES } from "../src/options/policy-words.ts";
import { corePolicies } from "../src/policies/core.ts";
import { type Of, OPTIONS } from "../src/options/table.ts";

/** The files that have such tables. */
export const FILES = ["README.md", "docs/options.md"] as const;

const CALLS: Readonly<Record<Of, string>> = {
  load: "load(where, {…})",
  session: "model.session({…})",
  generate: "session.generate(prompt, {…})",
  chat: "session.chat(messages, {…}) besides",
  perplexity: "model.perplexity(text, {…}) besides",
  embed: "model.embed(texts, {…})",
};

type Row = ReturnType<typeof rowsOf>[number];

/** What holds where an option is left out. */
function defaultOf({ row: { default: value }, help }: Row): string {
  if (help.default !== undefined) return help.default;
  if (typeof value === "string") return `\`"${value}"\``;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return `\`${value}\``;
  if (typeof value === "object" && value !== null && "share" in value) {
    return `\`{ share: ${value.share} }\` of the budget`;
  }
  return "none";
}

const wordsOf = ({ row, help }: Row) =>
  help.words.replace("{names}", (row.kind.names ?? []).map((name) => `\`${name}\``).join(", "));

/** A table in Markdown. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `|${cells.map((cell) => cell && ` ${cell.replaceAll("|", "\\|")} `).join("|")}|`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/** The table of this name: "policies", those of the core, "more" of them, which read keys and values, or what options are of. */
function tableOf(name: string): string {
  if (name === "policies" || name === "more") {
    const shown = Object.entries(POLICIES).filter(([policy]) => policy in corePolicies === (name === "policies"));
    const rows = shown.map(([policy, { score, scope }]) => [`\`${policy}\``, score, scope]);
    return table(["policy", "score: the smallest goes", "scope"], rows);
  }
  const of = name as Of;
  const flagOf = ({ name, help }: Row) =>
    help.flag === undefined ? "" : `\`--${flagName(name)}${help.flag && ` ${help.flag}`}\``;
  const rows = rowsOf(of).map((row) => [`\`${row.name}\``, defaultOf(row), wordsOf(row), flagOf(row)]);
  return table([`\`${CALLS[of]}\``, "default", " ", "flag"], rows);
}

/**
 * A text with its tables as they must be: each between `<!-- table: NAME -->` and `<!-- end of table -->`. Only tables of options
 * have links, and so they are as docs/options.md has them.
 */
export function withTables(text: string): string {
  const here = (links: string) => links.replaceAll("](docs/", "](").replaceAll("](examples/", "](../examples/");
  return text.replace(
    /(<!-- table: ([a-z]+) -->\n)[^]*?(<!-- end of table -->)/g,
    (_, begin, name, end) => `${begin}${here(tableOf(name))}\n${end}`,
  );
}

/** The tables that a text has. */
export function tablesIn(text: string): string[] {
  return [...text.matchAll(/<!-- table: ([a-z]+) -->/g)].map(([, name]) => name);
}

/** What options there are tables of. */
export const ALL = Object.keys(OPTIONS) as Of[];

if (import.meta.main) {
  for (const file of FILES) {
    const path = new URL(`../${file}`, import.meta.url);
    await Deno.writeTextFile(path, withTables(await Deno.readTextFile(path)));
  }
}
