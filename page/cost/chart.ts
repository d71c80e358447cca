/** Times as a chart: a line a policy, a point an implementation, on a logarithmic axis. */
import type { CoreTime } from "../../bench/core-times.ts";
import { number } from "../view/scale.ts";

/** The implementations, and ns per slot in each. */
export const KINDS: readonly { name: string; label: string; short: string; nsPerSlot(time: CoreTime): number }[] = [
  { name: "wasm", label: "kvcap’s core, Wasm with SIMD", short: "core", nsPerSlot: ({ nsPerSlot }) => nsPerSlot },
  {
    name: "script",
    label: "JavaScript",
    short: "JavaScript",
    nsPerSlot: ({ nsPerSlot, javascript }) => nsPerSlot * javascript,
  },
  { name: "naive", label: "naive", short: "naive", nsPerSlot: ({ nsPerSlot, twin }) => nsPerSlot * twin },
];

const [LEFT, RIGHT, TOP, ROW] = [104, 28, 14, 30];

function draw(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

/** @param rows how many policies there will be: the chart does not grow while they come */
export function chart(times: readonly CoreTime[], rows: number, width: number, label: string): SVGElement {
  const values = times.flatMap((time) => KINDS.map(({ nsPerSlot }) => nsPerSlot(time)));
  const low = Math.floor(Math.log10(Math.min(1, ...values)));
  const high = Math.ceil(Math.log10(Math.max(1000, ...values)));
  const x = (ns: number) => LEFT + (Math.log10(ns) - low) / (high - low) * (width - LEFT - RIGHT);
  const bottom = TOP + ROW * rows;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${bottom + 24}`, role: "img", "aria-label": label });
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power);
    svg.append(draw("line", { class: "grid", x1: at, y1: 0, x2: at, y2: bottom }));
    svg.append(draw("text", { class: "middle", x: at, y: bottom + 17 }, number(10 ** power)));
  }
  times.forEach((time, i) => {
    const y = TOP + ROW * i + 4;
    const points = KINDS.map(({ name, label, nsPerSlot }) => ({ name, label, ns: nsPerSlot(time) }));
    const ends = points.map(({ ns }) => x(ns));
    svg.append(draw("text", { class: "end", x: LEFT - 14, y: y + 4 }, time.policy));
    svg.append(draw("line", { class: "row", x1: Math.min(...ends), y1: y, x2: Math.max(...ends), y2: y }));
    for (const { name, label, ns } of points) {
      svg.append(point(name, x(ns), y, `${time.policy}, ${label}: ${number(ns)} ns`));
    }
  });
  return svg;
}

/** A shape of its own for each: colour alone tells nobody. */
function point(name: string, x: number, y: number, tip: string): SVGElement {
  const shapes: Record<string, () => SVGElement> = {
    wasm: () => draw("circle", { cx: x, cy: y, r: 6 }),
    script: () => draw("rect", { x: x - 5, y: y - 5, width: 10, height: 10 }),
    naive: () => draw("path", { d: `M${x} ${y - 7}l7 12h-14z` }),
  };
  const shape = shapes[name]();
  shape.setAttribute("class", name);
  shape.append(draw("title", {}, tip));
  return shape;
}

/** One of the points alone, for a legend. */
export function sample(name: string): SVGElement {
  const svg = draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  svg.append(point(name, 8, 8, ""));
  return svg;
}
