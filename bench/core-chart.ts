// A chart of core times as an SVG file: for every policy, ns per slot of each implementation on a logarithmic axis.
import type { CoreTime } from "./core-times.ts";

const WIDTH = 760;
const LEFT = 110; // of the axis
const RIGHT = 40;
const TOP = 76; // of the first row
const ROW = 28;

/** The implementations, in the order of the legend, and a policy's ns per slot in each. */
const kinds: [label: string, name: string, nsPerSlot: (time: CoreTime) => number][] = [
  ["Wasm, SIMD", "simd", ({ nsPerSlot }) => nsPerSlot],
  ["Wasm, scalar", "scalar", ({ nsPerSlot, scalar }) => nsPerSlot * scalar],
  ["JavaScript", "script", ({ nsPerSlot, javascript }) => nsPerSlot * javascript],
  ["naive twin", "twin", ({ nsPerSlot, twin }) => nsPerSlot * twin],
];

/** Colours that can be told apart on white and on black, and by those who see no red or green. */
const style = `text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 14px; font-weight: 600 }
  .end { text-anchor: end } .middle { text-anchor: middle } .grid { stroke: #8c959f; stroke-opacity: .35 }
  .row { stroke: #8c959f; stroke-opacity: .6 } .simd { fill: #0969da } .scalar { fill: #54aeff } .script { fill: #d4a72c }
  .twin { fill: #8c959f }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .simd { fill: #4493f8 } .scalar { fill: #a5d6ff } }`;

/** The chart of the largest size among `times`, for one victim per lane. `host`: where they were measured. */
export function chart(times: CoreTime[], host: string): string {
  const largest = times.reduce((a, b) => (b.layers * b.slots > a.layers * a.slots ? b : a));
  const { layers, slots } = largest;
  const shown = times.filter((time) => time.layers === layers && time.slots === slots && time.evict === 1);
  const values = shown.flatMap((time) => kinds.map(([, , nsPerSlot]) => nsPerSlot(time)));
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const x = (ns: number) => LEFT + (Math.log10(ns) - low) / (high - low) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + ROW * shown.length;
  const height = bottom + 44;
  const title = `ns per slot and step, one token in and one out: ${layers} layers × 8 KV heads × ${slots} slots`;

  const parts = [
    `<text class="title" x="12" y="24">${title}</text>`,
    ...kinds.map(([label, name], i) => {
      const at = LEFT + 6 + i * 130;
      return `<circle class="${name}" cx="${at}" cy="46" r="5"/><text x="${at + 12}" y="50">${label}</text>`;
    }),
  ];
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power).toFixed(1);
    parts.push(`<line class="grid" x1="${at}" y1="${TOP - 14}" x2="${at}" y2="${bottom}"/>`);
    parts.push(`<text class="middle" x="${at}" y="${bottom + 16}">${10 ** power}</text>`);
  }
  for (const [i, time] of shown.entries()) {
    const y = TOP + ROW * i + 4;
    const points = kinds.map(([label, name, nsPerSlot]) => ({ label, name, ns: nsPerSlot(time) }));
    const ends = [Math.min(...points.map(({ ns }) => ns)), Math.max(...points.map(({ ns }) => ns))].map(x);
    parts.push(`<text class="end" x="${LEFT - 12}" y="${y + 4}">${time.policy}</text>`);
    parts.push(`<line class="row" x1="${ends[0].toFixed(1)}" y1="${y}" x2="${ends[1].toFixed(1)}" y2="${y}"/>`);
    for (const { label, name, ns } of points.toReversed()) {
      const tip = `<title>${time.policy}, ${label}: ${ns.toFixed(2)} ns</title>`;
      parts.push(`<circle class="${name}" cx="${x(ns).toFixed(1)}" cy="${y}" r="5">${tip}</circle>`);
    }
  }
  parts.push(
    `<text x="12" y="${height - 10}">Medians, ${host}, logarithmic; the naive twin at 8 lanes × 256 slots.</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `role="img" aria-label="${title}">\n<style>\n  ${style}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}
