/** A chart of lines over a few places on the horizontal axis, drawn as SVG. */
import { shortNumber } from "../table.ts";
import { type Markup, markup, place } from "./markup.ts";
import { COLOURS } from "./style.ts";

/** A point of a series. */
export interface Point {
  /** Which of the chart's places. */
  readonly at: number;
  readonly value: number;
  /** Where it may as well be. */
  readonly low?: number;
  readonly high?: number;
}

/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** A chart. */
export interface Chart {
  readonly title: string;
  /** What stands under each place. */
  readonly places: readonly string[];
  readonly series: readonly Series[];
  /** The full cache's value, where there is one. */
  readonly full: number | null;
}

const [WIDTH, HEIGHT] = [530, 280];
const [LEFT, RIGHT, TOP, BOTTOM] = [58, 120, 14, 28];
const TICKS = 5;
const LINE = 14; // between two names

/** Round numbers that span the values, about so many. */
export function ticksOf(low: number, high: number, count = TICKS): number[] {
  if (!(high > low)) return ticksOf(low - (Math.abs(low) || 1) / 2, low + (Math.abs(low) || 1) / 2, count);
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Heights of names, moved apart where they would lie on each other. */
function apart(heights: readonly number[]): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const found = [...heights];
  order.forEach((i, rank) => {
    if (rank > 0) found[i] = Math.max(found[i], found[order[rank - 1]] + LINE);
  });
  const over = Math.max(0, Math.max(...found, 0) - (HEIGHT - BOTTOM));
  return found.map((height) => height - over);
}

/** The chart as SVG. */
export function chartOf({ title, places, series, full }: Chart): Markup {
  const points = series.flatMap(({ points }) => points);
  const values = [
    ...points.flatMap(({ value, low = value, high = value }) => [value, low, high]),
    ...full === null ? [] : [full],
  ];
  const ticks = ticksOf(Math.min(...values), Math.max(...values));
  const [least, most] = [ticks[0], ticks.at(-1)!];
  const x = (at: number) => LEFT + (places.length === 1 ? 0.5 : at / (places.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + (most - value) / (most - least) * (HEIGHT - TOP - BOTTOM);
  const rows = ticks.map((tick) =>
    markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(y(tick))}" y2="${place(y(tick))}"/>
<text class="tick" x="${LEFT - 6}" y="${place(y(tick) + 4)}" text-anchor="end">${shortNumber(tick)}</text>`
  );
  const columns = places.map((name, at) =>
    markup`<text class="tick" x="${place(x(at))}" y="${HEIGHT - 8}" text-anchor="middle">${name}</text>`
  );
  const heights = apart(series.map(({ points }) => points.length > 0 ? y(points.at(-1)!.value) : 0));
  const lines = series.map(({ name, points }, i) => {
    const path = points.map(({ at, value }) => `${place(x(at))},${place(y(value))}`).join(" ");
    const bars = points.filter(({ low, high }) => low !== undefined && high !== undefined).map(({ at, low, high }) =>
      markup`<line class="bar" x1="${place(x(at))}" x2="${place(x(at))}" y1="${place(y(low!))}" y2="${
        place(y(high!))
      }"/>`
    );
    const dots = points.map(({ at, value }) =>
      markup`<circle class="dot" cx="${place(x(at))}" cy="${place(y(value))}" r="3.5"><title>${name}, ${places[at]}: ${
        shortNumber(value)
      }</title></circle>`
    );
    return markup`<g class="s${i % COLOURS}"><polyline class="curve" points="${path}"/>${bars}${dots}
<text class="name" x="${WIDTH - RIGHT + 8}" y="${place(heights[i] + 4)}">${name}</text></g>`;
  });
  const reference = full === null ? [] : [
    markup`<line class="full" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place(y(full))}" y2="${
      place(y(full))
    }"><title>full cache: ${shortNumber(full)}</title></line>`,
  ];
  return markup`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${title}">${rows}${columns}${reference}${lines}</svg></figure>`;
}
