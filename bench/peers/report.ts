// Results in lines for a terminal.
import type { Spread } from "./numbers.ts";
import type { Ratio, Result } from "./result.ts";

/** The share of the processors that others may use before a row is flagged. */
export const BUSY = 0.1;

const megabytes = (bytes: number | null, digits = 0) => bytes === null ? "–" : (bytes / 2 ** 20).toFixed(digits);
const span = ({ median, least, most }: Spread, digits: number) =>
  `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;

const COLUMNS: [title: string, width: number][] = [
  ["", 36],
  ["prefill tokens/s", 24],
  ["ms a token", 24],
  ["p90", 9],
  ["first token s", 22],
  ["peak MiB", 10],
  ["over empty page", 17],
  ["runtime MiB", 13],
  ["others", 9],
];

function line(cells: string[]): string {
  return cells.map((cell, i) => i ? cell.padStart(COLUMNS[i][1]) : cell.padEnd(COLUMNS[i][1])).join("");
}

/** The table: a block for every model and prompt, in which the fastest decoder is not sorted first: rows stay in their order. */
export function tableOf(results: Result[]): string[] {
  const lines: string[] = [];
  let block = "";
  for (const result of results) {
    const { model, weights, prompt, times } = result;
    if (!times) continue;
    const title = `${model} (${weights}), prompt of ${prompt} tokens`;
    if (title !== block) {
      lines.push("", title, line(COLUMNS.map(([title]) => title)));
    }
    block = title;
    const others = times.others === null
      ? "–"
      : `${(times.others * 100).toFixed(0)} %${times.others > BUSY ? " !" : ""}`;
    lines.push(line([
      result.name.slice(`${model} ${prompt} `.length),
      span(times.prefillTokensPerSecond, 0),
      span(times.stepMs, 2),
      times.stepP90Ms.median.toFixed(2),
      span({
        median: times.firstMs.median / 1e3,
        least: times.firstMs.least / 1e3,
        most: times.firstMs.most / 1e3,
      }, 2),
      megabytes(result.peakBytes),
      result.emptyBytes && result.peakBytes !== null ? `+${megabytes(result.peakBytes - result.emptyBytes)}` : "",
      megabytes(result.runtimeBytes, 2),
      others,
    ]));
  }
  const busy = results.filter(({ times }) => times && times.others !== null && times.others > BUSY).length;
  if (busy) {
    lines.push("", `! in ${busy} of the cases others used more than ${BUSY * 100} % of the processors`);
  }
  return lines;
}

export function ratioLines(ratios: Ratio[]): string[] {
  if (!ratios.length) return [];
  return [
    "",
    "kvcap is so many times as fast:",
    ...ratios.map(({ what, value }) => `${value.toFixed(2).padStart(7)}  ${what}`),
  ];
}

/** What is said of a case's greedy text. `gap`: how far apart the likeliest logits are where it first differs, if that is known. */
export function agreementLine({ name, newTokens, agrees }: Result, gap?: number): string {
  if (agrees === null) return `${name}: its text is not compared: it evicts, or no other is there`;
  const why = agrees < newTokens && gap !== undefined
    ? `; then the two likeliest logits are ${gap.toFixed(3)} apart`
    : "";
  return `${name}: ${agrees} of ${newTokens} tokens agree${why}`;
}
