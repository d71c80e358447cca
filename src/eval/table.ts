/** Tables of results as plain text. */
import type { Row, Table } from "./summary.ts";

const PLACES = 4;

/** A number in few digits. */
export function shortNumber(value: number): string {
  return value === 0 || Math.abs(value) >= 0.001 ? Number(value.toFixed(PLACES)).toString() : value.toExponential(1);
}

const signed = (value: number) => `${value < 0 ? "" : "+"}${shortNumber(value)}`;

/** A row's cells beside the baseline, for the table's first score. */
function againstText(row: Row, { scores: [{ name }] }: Table): string[] {
  const found = row.against?.[name];
  if (!found) return ["-", ""];
  const { mean, low, high } = found.difference;
  return [`${signed(mean)} [${signed(low)}, ${signed(high)}]`, found.verdict];
}

/** Everything of a table: a heading, and a line for each policy and budget. */
export function tableText(table: Table): string {
  const { model, task, settings, rows, baseline, scores } = table;
  const metrics = [...new Set(rows.flatMap((row) => Object.keys(row.metrics)))];
  const ratios = rows.some(({ ratio }) => ratio !== null);
  const options = rows.some((row) => row.options !== "");
  const compared = rows.some(({ against }) => against !== null);
  const head = [
    ...["policy", "budget", ...options ? ["options"] : [], "documents", ...metrics, ...ratios ? ["ratio to full"] : []],
    ...["slots", "KiB", ...compared ? [`${scores[0].name} less ${baseline}'s`, ""] : []],
  ];
  const lines = rows.map((row) => [
    ...[row.unit.policy, row.budget, ...options ? [row.options] : [], `${row.documents.length}`],
    ...metrics.map((name) => row.metrics[name] === undefined ? "-" : shortNumber(row.metrics[name])),
    ...ratios ? [row.ratio === null ? "-" : shortNumber(row.ratio.mean)] : [],
    ...[`${Math.round(row.cost.budget)}`, `${Math.round(row.cost.kvBytes / 1024)}`],
    ...compared ? againstText(row, table) : [],
  ]);
  return `${model}: ${task} (${settings})\n${columns([head, ...lines])}`;
}

/** Lines whose cells stand under each other, words to the left and numbers to the right. */
export function columns(lines: readonly (readonly string[])[]): string {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  const number = lines[0].map((_, i) => lines.slice(1).every((cells) => /^(-|[-+\d.e]+)$/.test(cells[i])));
  const cell = (text: string, i: number) => number[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]);
  return lines.map((cells) => cells.map(cell).join("  ").trimEnd()).join("\n");
}
