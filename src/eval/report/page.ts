/** The report of results. */
import { isMeasured, type Result } from "../results.ts";
import { bootstrap } from "../statistics.ts";
import { type Row, summarise, type Table } from "../summary.ts";
import { shortNumber } from "../table.ts";
import { span } from "../time.ts";
import { type Chart, chartOf, type Point } from "./chart.ts";
import { heatOf } from "./heat.ts";
import { documentOf } from "./document.ts";
import { type Markup, markup } from "./markup.ts";

/** All of it, of results that may hold failures. @param baseline the policy that others are compared with */
export function reportPage(results: readonly Result[], baseline: string): string {
  const tables = summarise(results, baseline);
  const failed = results.filter((result) => !isMeasured(result)) as (Result & { error: string })[];
  return documentOf(
    "What eviction costs",
    markup`<p>${results.length - failed.length} units measured by kvcap ${
      versionsOf(results)
    }. Differences are of the same documents,
with the interval where their mean lies with 95 in 100; a policy is better or worse than ${baseline} where it is clear of 0.</p>
<main>${tables.map(sectionOf)}${failed.length > 0 ? failures(failed) : ""}</main>`,
  );
}

function versionsOf(results: readonly Result[]): string {
  const all = results.map(({ versions }) => versions).filter((versions) => versions !== null);
  return [...new Set(all.map(({ kvcap, runtime, device }) => `${kvcap} on ${runtime} (${device})`))].join(", ");
}

function failures(failed: readonly { error: string; command: string }[]): Markup {
  return markup`<h2>Not measured</h2><ul>${
    failed.map(({ error, command }) => markup`<li>${error} <code>${command}</code></li>`)
  }</ul>`;
}

const nameOf = ({ unit, options }: Row) => [unit.policy, options].filter((word) => word !== "").join(", ");

function sectionOf(table: Table): Markup {
  const { model, task, settings, rows } = table;
  const told = rows[0]?.documents[0]?.told ?? {};
  const maps = "length" in told && "depth" in told
    ? [
      markup`<h3>Found, by length (to the right, tokens) and depth (downwards)</h3><div class="charts">${
        rows.map((row) => heatOf(`${nameOf(row)}, budget ${row.budget}`, row.documents))
      }</div>`,
    ]
    : [];
  return markup`<section><h2>${model}: ${task}</h2><p>${settings}</p>
<div class="charts">${
    chartsOf(table).map(chartOf)
  }</div>${maps}<div class="scroll" tabindex="0" role="region" aria-label="${model}: ${task}, table">${
    tableOf(table)
  }</div></section>`;
}

/** Budget against the first score, and cost against budget. */
function chartsOf({ rows, scores: [score] }: Table): Chart[] {
  const capped = rows.filter(({ unit }) => unit.policy !== "full");
  const full = rows.find(({ unit }) => unit.policy === "full");
  if (capped.length === 0) return [];
  const slots = new Map(capped.map(({ budget, cost }) => [budget, cost.budget]));
  const places = [...slots].sort(([, a], [, b]) => a - b).map(([budget]) => budget);
  const ratios = score.name === "loss" && capped.every(({ ratio }) => ratio !== null);
  const lines = (valueOf: (row: Row) => Omit<Point, "at">) =>
    [...new Set(capped.map(nameOf))].map((name) => ({
      name,
      points: capped.filter((row) => nameOf(row) === name)
        .map((row) => ({ at: places.indexOf(row.budget), ...valueOf(row) })).sort((a, b) => a.at - b.at),
    }));
  const quality: Chart = ratios
    ? {
      ...{ title: "Perplexity over the full cache's, by budget (bars: 95 in 100)", places, full: 1 },
      series: lines(({ ratio }) => ({ value: ratio!.mean, low: ratio!.low, high: ratio!.high })),
    }
    : {
      ...{ title: `${score.name} by budget (${score.higher ? "more" : "less"} is better; bars: 95 in 100)`, places },
      full: full?.metrics[score.name] ?? null,
      series: lines(({ documents }) => {
        const { mean, low, high } = bootstrap(documents.map(({ values }) => values[score.name]));
        return { value: mean, low, high };
      }),
    };
  const cost: Chart = {
    ...{ title: "KiB of K and V held, by budget", places, full: full ? full.cost.kvBytes / 1024 : null },
    series: lines(({ cost }) => ({ value: cost.kvBytes / 1024 })),
  };
  const timed = capped.every(({ ms }) => ms !== null);
  const time: Chart = {
    ...{ title: "Seconds for all documents, by budget", places, full: full?.ms ? full.ms / 1000 : null },
    series: timed ? lines(({ ms }) => ({ value: ms! / 1000 })) : [],
  };
  return timed ? [quality, cost, time] : [quality, cost];
}

function tableOf({ rows, scores, baseline }: Table): Markup {
  const metrics = [...new Set(rows.flatMap((row) => Object.keys(row.metrics)))];
  const ratios = rows.some(({ ratio }) => ratio !== null) ? ["ratio to full"] : [];
  const head = ["policy", "budget", "documents", ...metrics, ...ratios, "slots", "KiB", "time"];
  const compared = scores.filter(({ name }) => rows.some(({ against }) => against?.[name]));
  return markup`<table><thead><tr>${head.map((name) => markup`<th scope="col">${name}</th>`)}${
    compared.map(({ name }) => markup`<th scope="col" class="left">${name}, less ${baseline}’s</th>`)
  }</tr></thead><tbody>${
    rows.map((row) =>
      markup`<tr><th scope="row">${nameOf(row)}</th>${
        [
          ...[row.budget, `${row.documents.length}`],
          ...metrics.map((name) => row.metrics[name] === undefined ? "" : shortNumber(row.metrics[name])),
          ...ratios.map(() => ratioText(row)),
          ...[
            `${Math.round(row.cost.budget)}`,
            `${Math.round(row.cost.kvBytes / 1024)}`,
            row.ms === null ? "" : span(row.ms),
          ],
        ].map((text) => markup`<td>${text}</td>`)
      }${compared.map(({ name }) => againstCell(row, name))}</tr>`
    )
  }</tbody></table>`;
}

function ratioText({ ratio }: Row): string {
  return ratio === null ? "" : `${shortNumber(ratio.mean)} [${shortNumber(ratio.low)}, ${shortNumber(ratio.high)}]`;
}

function againstCell({ against }: Row, name: string): Markup {
  const found = against?.[name];
  if (!found) return markup`<td></td>`;
  const { difference: { mean, low, high }, verdict } = found;
  const told = verdict === "not told apart" ? "left" : `left ${verdict}`;
  return markup`<td class="${told}">${verdict}: ${shortNumber(mean)} [${shortNumber(low)}, ${shortNumber(high)}]</td>`;
}
