/** Six plots: uPlot draws them; what they show is in the table and the files, too. */
import uPlot from "uplot";
import { make, png } from "../view/dom.ts";
import type { Theme } from "../view/colour.ts";
import { number } from "../view/scale.ts";
import { LETTERS } from "./comparison.ts";
import type { Result } from "./result.ts";

/** Told apart by those who see no red or green, and by their dashes; 3 : 1 against the ground. */
export const STROKES: Record<Theme, readonly string[]> = {
  light: ["#1f6fb2", "#b4540a", "#0f7a55", "#a02c7c"],
  dark: ["#6fb7f0", "#f0a63c", "#4fce9f", "#f08fd0"],
};
export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
const INKS = {
  light: { text: "#5a5750", grid: "#e4e1d9", ground: "#fff" },
  dark: { text: "#a3a7ae", grid: "#2b3038", ground: "#16191e" },
};
const LEAST_KL = 1e-6; // a logarithmic axis has no 0

interface Kind {
  readonly title: string;
  readonly unit: string;
  readonly log?: boolean;
  values(result: Result, line: number): (number | null)[];
  /** Where values stand; left out: behind 1, 2, … of the new tokens. */
  places?(result: Result): number[];
  /** Names of the lines, where they are no runs. */
  lines?(result: Result): string[];
}

/** A place in words. */
const placed = ({ lines, places }: Kind, place: number) =>
  lines ? `${number(place)}% of the text` : places ? `${place} tokens read` : `token ${place}`;

/** Every power of ten, or every second where they are many. */
function decades(low: number, high: number): number[] {
  const [from, to] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
  const each = to - from > 4 ? 2 : 1;
  return Array.from({ length: Math.floor((to - from) / each) + 1 }, (_, i) => 10 ** (from + i * each));
}

/** The share so far. */
function soFar(flags: boolean[]): number[] {
  let sum = 0;
  return flags.map((flag, i) => 100 * (sum += Number(flag)) / (i + 1));
}

const KINDS: readonly Kind[] = [
  {
    ...{ title: "K and V of live tokens", unit: "KiB" },
    values: ({ runs }, run) => runs[run].tokens.map(({ kvBytes }) => kvBytes / 1024),
  },
  { ...{ title: "Time of a step", unit: "ms" }, values: ({ runs }, run) => runs[run].tokens.map(({ ms }) => ms) },
  {
    ...{ title: "Same likeliest token as the reference, so far", unit: "%" },
    values: ({ steps }, run) => soFar(steps.map(({ same }) => same[run])),
  },
  {
    ...{ title: "KL from the reference", unit: "nats", log: true },
    values: ({ steps }, run) => steps.map(({ kl }) => Math.max(LEAST_KL, kl[run])),
  },
  {
    ...{ title: "Tokens held that would be, had nothing ever gone", unit: "%" },
    places: ({ figures }) => figures?.overlaps.find((one) => one)?.moments.map(({ tokens }) => tokens) ?? [],
    values: ({ figures }, run) => figures?.overlaps[run]?.moments.map(({ share }) => 100 * share) ?? [],
  },
  {
    ...{ title: "Spread of a token’s attention, by its place in the text", unit: "σ" },
    places: ({ figures }) => figures?.spreads[0].parts.map((_, i, { length }) => 100 * (i + 0.5) / length) ?? [],
    values: ({ figures }, moment) => [...figures?.spreads[moment]?.parts ?? []],
    lines: ({ figures }) => figures?.spreads.map(({ tokens }) => `after ${tokens} tokens`) ?? [],
  },
];
const MOMENTS = 3; // at which the spread is told

/** A line of text in a picture, in its pixels. */
interface Writing {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly weight?: number;
}

export class Plots {
  readonly element = make("div", { class: "plots" });
  readonly figures = make("div", { class: "plots figures" }); // those of the attention
  readonly #boxes: { box: HTMLElement; readout: HTMLElement; plot: uPlot | null }[];
  readonly #resizing = new ResizeObserver(() => this.#resize());
  #theme: Theme = "light";
  #result: Result | null = null;
  #next = 0; // the plot that is drawn in the next frame

  constructor() {
    this.#boxes = KINDS.map(({ title, unit, places }, i) => {
      const [box, readout] = [make("div", { role: "img" }), make("p", { class: "hint" })];
      readout.textContent = " ";
      const head = make("h3", { id: `plot-${i}` }, `${title}, ${unit}`);
      const place = places ? this.figures : this.element;
      place.append(make("figure", { "aria-labelledby": `plot-${i}` }, head, box, readout));
      return { box, readout, plot: null };
    });
    this.#resizing.observe(this.element);
    this.begin(null);
  }

  theme(theme: Theme): void {
    this.#theme = theme;
    this.begin(this.#result);
  }

  /** Shows a result, as far as it is; null: empty axes. */
  begin(result: Result | null): void {
    this.#result = result;
    const ink = INKS[this.#theme];
    this.#boxes.forEach((it, i) => {
      const { box, readout } = it;
      const { title, unit, log, places, lines } = KINDS[i];
      const strokes = lines ? Array<string>(MOMENTS).fill(ink.text) : STROKES[this.#theme];
      it.plot?.destroy();
      const axis = { stroke: ink.text, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false }, gap: 4 };
      const values = (_: uPlot, splits: (number | null)[]) => splits.map((at) => at === null ? "" : number(at));
      const most = Math.max(10, result?.asked.max ?? 10);
      it.plot = new uPlot(
        {
          ...size(box),
          legend: { show: false },
          cursor: { sync: { key: places ? title : "tokens" }, points: { size: 5 }, drag: { x: false, y: false } },
          scales: {
            x: { time: false, range: places ? (_, low, high) => [low ?? 0, high ?? most] : [1, most] },
            y: log
              ? { distr: 3, range: (_, low, high) => uPlot.rangeLog(low ?? 1e-3, Math.max(high ?? 1, 1e-3), 10, true) }
              : {
                range: (_, low, high) =>
                  unit === "%" ? [Math.min(50, low ?? 50), 100] : [0, Math.max(high ?? 1, 1e-3) * 1.1],
              },
          },
          axes: [{ ...axis, size: 22 }, {
            ...{ ...axis, size: 46, space: 20, values },
            ...(log
              ? {
                splits: (_: uPlot, __: number, low: number, high: number) => decades(low, high),
                filter: (_: uPlot, all: number[]) => all,
              }
              : {}),
          }],
          series: [
            {},
            ...strokes.slice(0, lines ? MOMENTS : result?.runs.length).map((stroke, line) => ({
              ...{ stroke, width: 1.6, dash: DASHES[line], spanGaps: false },
              points: { show: false },
            })),
          ],
          hooks: { setCursor: [(plot) => this.#read(KINDS[i], plot, readout)] },
        },
        [[]] as unknown as uPlot.AlignedData,
        box,
      );
    });
    if (result) { for (let i = 0; i < KINDS.length; i++) this.#draw(i, result); }
  }

  /** Draws one of the plots, each in its turn. */
  frame(): void {
    if (!this.#result) return;
    this.#draw(this.#next, this.#result);
    this.#next = (this.#next + 1) % KINDS.length;
  }

  /** Draws them all. */
  all(): void {
    for (let i = 0; i < KINDS.length; i++) this.frame();
  }

  #draw(kind: number, result: Result) {
    const { plot, box } = this.#boxes[kind];
    const series = plot!.series.slice(1).map((_, line) => KINDS[kind].values(result, line));
    const length = Math.max(0, ...series.map((values) => values.length));
    const whole = series.map((values) => Array.from({ length }, (_, i) => values[i] ?? null));
    const places = KINDS[kind].places?.(result) ?? Array.from({ length }, (_, i) => i + 1);
    plot!.setData([places, ...whole] as uPlot.AlignedData);
    const label = length === 0 ? "nothing yet" : this.#told(KINDS[kind], plot!, length - 1).join(", ");
    box.setAttribute("aria-label", label);
  }

  /** Where it is, and what each line is there, or was last. */
  #told(kind: Kind, plot: uPlot, at: number): string[] {
    const names = kind.lines?.(this.#result!) ?? LETTERS;
    const lines = plot.data.slice(1).map((values, line) => {
      const last = Array.from(values).slice(0, at + 1).findLast((one) => one !== null);
      return `${names[line]} ${number(last ?? NaN)}`;
    });
    return [`${placed(kind, plot.data[0][at])}: ${lines[0]}`, ...lines.slice(1)];
  }

  #read(kind: Kind, plot: uPlot, readout: HTMLElement) {
    const { idx } = plot.cursor;
    const at = idx ?? -1;
    const text = at < 0 || plot.data[0].length === 0 ? " " : this.#told(kind, plot, at).join(" · ");
    if (readout.textContent !== text) readout.textContent = text;
  }

  #resize() {
    for (const { plot, box } of this.#boxes) plot?.setSize(size(box));
  }

  /** The plots in one picture. @param title above them @param names of the runs */
  picture(title: string, names: readonly string[]): Promise<Blob> {
    const [first] = this.#boxes;
    const { width, height } = first.plot!.ctx.canvas;
    const ratio = devicePixelRatio;
    const [pad, head, line] = [16 * ratio, 62 * ratio, 22 * ratio];
    const canvas = make("canvas", {
      width: `${2 * width + 3 * pad}`,
      height: `${head + Math.ceil(KINDS.length / 2) * (height + line + pad)}`,
    });
    const context = canvas.getContext("2d")!;
    const ink = INKS[this.#theme];
    context.fillStyle = ink.ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const write = ({ text, x, y, weight = 400 }: Writing) => {
      context.fillStyle = ink.text;
      context.font = `${weight} ${13 * ratio}px system-ui, sans-serif`;
      context.fillText(text, x, y);
      return x + context.measureText(text).width;
    };
    write({ text: title, x: pad, y: pad + 10 * ratio });
    let x = pad;
    names.forEach((name, run) => {
      context.strokeStyle = STROKES[this.#theme][run];
      context.lineWidth = 2 * ratio;
      context.setLineDash(DASHES[run].map((part) => part * ratio));
      context.beginPath();
      context.moveTo(x, pad + 27 * ratio);
      context.lineTo(x + 26 * ratio, pad + 27 * ratio);
      context.stroke();
      x = write({ text: name, x: x + 32 * ratio, y: pad + 31 * ratio }) + 22 * ratio;
    });
    this.#boxes.forEach(({ plot }, i) => {
      const [left, top] = [pad + (i % 2) * (width + pad), head + Math.floor(i / 2) * (height + line + pad)];
      write({ text: `${KINDS[i].title}, ${KINDS[i].unit}`, x: left, y: top + 13 * ratio, weight: 600 });
      const { canvas } = plot!.ctx;
      context.drawImage(canvas, left, top + line, width, canvas.height * width / canvas.width);
    });
    return png(canvas);
  }
}

const size = (box: HTMLElement) => ({ width: Math.max(160, box.clientWidth), height: Math.max(90, box.clientHeight) });
