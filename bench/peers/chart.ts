// A chart of results as an SVG file: for every model, at one prompt, prefill and decode of each way to run it with a full cache,
// in tokens/s on logarithmic axes; a line from the slowest round to the fastest.
import type { Result } from "./result.ts";

const WIDTH = 760;
const LEFT = 190; // of the axis
const RIGHT = 40;
const TOP = 62; // of the first panel
const ROW = 24;

interface Point {
  label: string; // of the row
  kind: string;
  tip: string;
  perSecond: [least: number, median: number, most: number]; // tokens
}

/** Colours that can be told apart on white and on black, and by those who see no red or green. */
const style = `text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 14px; font-weight: 600 }
  .end { text-anchor: end } .middle { text-anchor: middle } .grid { stroke: #8c959f; stroke-opacity: .35 }
  .row { stroke: #8c959f; stroke-opacity: .35 } .span { stroke-width: 3; stroke-opacity: .6 }
  .one { fill: #0969da; stroke: #0969da } .most { fill: #d4a72c; stroke: #d4a72c } .gpu { fill: #8c959f; stroke: #8c959f }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .one { fill: #4493f8; stroke: #4493f8 } }`;

const kindOf = ({ device, threads }: Result) => device === "webgpu" ? "gpu" : threads === 1 ? "one" : "most";
const labelOf = ({ peer, host, device }: Result) => `${peer}, ${device === "webgpu" ? "WebGPU" : host}`;

function pointsOf(results: Result[], what: "prefill" | "decode"): Point[] {
  return results.filter(({ times }) => times !== null).map((result) => {
    const { prefillTokensPerSecond: prefill, stepMs } = result.times!;
    const perSecond: Point["perSecond"] = what === "prefill"
      ? [prefill.least, prefill.median, prefill.most]
      : [1000 / stepMs.most, 1000 / stepMs.median, 1000 / stepMs.least];
    const tip = `${result.name}: ${perSecond[1].toFixed(1)} tokens/s`;
    return { label: labelOf(result), kind: kindOf(result), tip, perSecond };
  });
}

/** One panel, from `top` down: its parts, and where it ends. */
function panel(title: string, points: Point[], top: number): { parts: string[]; bottom: number } {
  const values = points.flatMap(({ perSecond }) => perSecond);
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const x = (value: number) => LEFT + (Math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT);
  const labels = [...new Set(points.map(({ label }) => label))];
  const first = top + 34;
  const bottom = first + ROW * labels.length - 8;
  const parts = [`<text x="12" y="${top + 8}" class="title">${title}</text>`];
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power).toFixed(1);
    parts.push(`<line class="grid" x1="${at}" y1="${first - 14}" x2="${at}" y2="${bottom}"/>`);
    parts.push(`<text class="middle" x="${at}" y="${bottom + 16}">${10 ** power}</text>`);
  }
  for (const [i, label] of labels.entries()) {
    const y = first + ROW * i;
    parts.push(`<text class="end" x="${LEFT - 12}" y="${y + 4}">${label}</text>`);
    parts.push(`<line class="row" x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}"/>`);
    for (const point of points.filter((point) => point.label === label)) {
      const [least, median, most] = point.perSecond.map((value) => x(value).toFixed(1));
      parts.push(`<line class="span ${point.kind}" x1="${least}" y1="${y}" x2="${most}" y2="${y}"/>`);
      parts.push(`<circle class="${point.kind}" cx="${median}" cy="${y}" r="5"><title>${point.tip}</title></circle>`);
    }
  }
  return { parts, bottom: bottom + 30 };
}

/** The chart of the shortest prompt. `machine`: where it was measured. */
export function chart(results: Result[], machine: string): string {
  const prompt = Math.min(...results.map(({ prompt }) => prompt));
  const shown = results.filter((result) => result.prompt === prompt && result.budget === 0 && result.times !== null);
  const most = Math.max(...shown.map(({ threads }) => threads));
  const kinds: [kind: string, label: string][] = [
    ["one", "1 thread"],
    ["most", `${most} threads`],
    ["gpu", "software as a GPU"],
  ];
  const legend = kinds.filter(([kind]) => shown.some((result) => kindOf(result) === kind));
  const title = `kvcap and its peers, prompt of ${prompt} tokens: tokens/s, more is better`;
  const parts = [
    `<text class="title" x="12" y="24">${title}</text>`,
    ...legend.map(([kind, label], i) => {
      const at = LEFT + 6 + i * 130;
      return `<circle class="${kind}" cx="${at}" cy="46" r="5"/><text x="${at + 12}" y="50">${label}</text>`;
    }),
  ];
  let bottom = TOP;
  for (const model of new Set(shown.map(({ model }) => model))) {
    const own = shown.filter((result) => result.model === model);
    for (const what of ["decode", "prefill"] as const) {
      const next = panel(`${model} (${own[0].weights}), ${what}`, pointsOf(own, what), bottom + 10);
      parts.push(...next.parts);
      bottom = next.bottom;
    }
  }
  const height = bottom + 24;
  parts.push(
    `<text x="12" y="${
      height - 10
    }">Medians of rounds, from the slowest to the fastest; ${machine}; logarithmic.</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `role="img" aria-label="${title}">\n<style>\n  ${style}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}
