/** The map's legend: the ramp with its numbers and unit, and the cells that have no colour of it. */
import { PLAIN, ramp, type RGB, type Theme } from "./colour.ts";
import { type Scale, ticksOf } from "./scale.ts";

export const css = (colour: RGB) => `rgb(${colour.join(" ")})`;

/** Cells that have no colour of the ramp. */
export const UNCOLOURED = [["fresh", "no score yet"], ["gone", "evicted"]] as const;

export class Legend {
  readonly #bar = document.createElement("div");
  readonly #ticks = document.createElement("div");
  readonly #unit = document.createElement("span");
  readonly #plain = document.createElement("span");
  readonly #swatches = UNCOLOURED.map(([kind, words]) => {
    const made = document.createElement("i");
    this.#plain.append(made, words);
    return { kind, made };
  });

  constructor(box: HTMLElement) {
    this.#bar.className = "bar";
    this.#ticks.className = "ticks";
    this.#unit.className = "unit";
    this.#plain.className = "plain";
    const scale = document.createElement("div");
    scale.className = "scale";
    scale.append(this.#bar, this.#ticks);
    box.append(scale, this.#unit, this.#plain);
  }

  theme(theme: Theme): void {
    const colours = ramp(theme).filter((_, i) => i % 14 === 0).map(css);
    this.#bar.style.background = `linear-gradient(90deg, ${colours.join(", ")})`;
    for (const { kind, made } of this.#swatches) made.style.background = css(PLAIN[theme][kind]);
  }

  show(scale: Scale, unit: string): void {
    this.#unit.textContent = unit;
    const ticks = ticksOf(scale);
    const same = this.#ticks.children.length === ticks.length &&
      ticks.every(({ text }, i) => this.#ticks.children[i].textContent === text);
    if (same) return;
    this.#ticks.replaceChildren(...ticks.map(({ at, text }) => {
      const tick = document.createElement("span");
      tick.textContent = text;
      tick.style.left = `${100 * at}%`;
      return tick;
    }));
  }
}
