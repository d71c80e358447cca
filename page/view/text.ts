/** The text, a span a token, shaded by the share of lanes that hold it. What a frame may do to it is bounded. */
import type { RunLog } from "../log.ts";
import type { Shown } from "../protocol.ts";

const MOST_NEW = 200; // spans a frame
const MOST_SHADED = 400; // spans a frame
const SHADES = 20; // a span's style changes only where its shade does

export class TextView {
  readonly #box: HTMLElement;
  readonly #spans: HTMLElement[] = []; // by position
  readonly #shades: number[] = []; // by position, of SHADES
  #paragraph: HTMLElement | null = null; // that the next span goes into
  #log: RunLog | null = null;
  #coming: Shown[] = [];
  #dirty = new Set<number>(); // positions whose shade may have changed
  #step = Infinity; // that is shown
  #current = 0; // the position that Tab reaches
  #marked: HTMLElement | null = null;

  /** @param picked hears of the token under the pointer or the focus; null: none @param pressed whether it is to stay */
  constructor(box: HTMLElement, picked: (position: number | null, pressed: boolean) => void) {
    this.#box = box;
    const positionOf = (event: Event) => {
      const span = (event.target as Element).closest<HTMLElement>("[data-position]");
      return span ? Number(span.dataset.position) : null;
    };
    box.addEventListener("pointerover", (event) => picked(positionOf(event), false));
    box.addEventListener("pointerleave", () => picked(null, false));
    box.addEventListener("click", (event) => picked(positionOf(event), true));
    box.addEventListener("focusin", (event) => {
      const position = positionOf(event);
      if (position === null) return;
      this.#reach(position);
      picked(position, true);
    });
    box.addEventListener("keydown", (event) => this.#key(event, () => picked(null, true)));
  }

  begin(log: RunLog): void {
    this.#box.replaceChildren();
    this.#spans.length = this.#shades.length = 0;
    this.#paragraph = null;
    this.#log = log;
    this.#coming = [];
    this.#dirty.clear();
    this.#step = Infinity;
    this.#current = 0;
    this.#marked = null;
  }

  show(shown: Shown[]): void {
    this.#coming.push(...shown);
  }

  touch(position: number): void {
    this.#dirty.add(position);
  }

  /** Shows the time after a step; Infinity: now. */
  at(step: number): void {
    if (step === this.#step) return;
    this.#step = step;
    for (let position = 0; position < this.#spans.length; position++) this.#dirty.add(position);
  }

  /** A token's text. */
  text(position: number): string {
    return this.#spans[position]?.textContent ?? "";
  }

  /** Marks a token; brings it into sight where asked for. */
  mark(position: number | null, reveal = false): void {
    const span = position === null ? null : this.#spans[position] ?? null;
    if (span !== this.#marked) {
      this.#marked?.classList.remove("marked");
      span?.classList.add("marked");
      this.#marked = span;
    }
    if (reveal) span?.scrollIntoView({ block: "nearest" });
  }

  /** Draws what changed. To be called once a frame. @returns whether there is more to be drawn in the next */
  frame(): boolean {
    if (!this.#log) return false;
    const box = this.#box;
    const atEnd = this.#coming.length > 0 && box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    this.#append(this.#coming.splice(0, MOST_NEW));
    let shaded = 0;
    for (const position of this.#dirty) {
      if (shaded++ === MOST_SHADED) break;
      this.#dirty.delete(position);
      this.#shade(position, this.#log);
    }
    if (atEnd && this.#step === Infinity) box.scrollTop = box.scrollHeight;
    return this.#coming.length > 0 || this.#dirty.size > 0;
  }

  /** Spans go into paragraphs, so that what happens at the end does not lay out all of the text. */
  #append(shown: Shown[]) {
    for (const { position, text, special, made } of shown) {
      let span = this.#spans[position];
      if (!span) {
        span = this.#spans[position] = document.createElement("span");
        span.dataset.position = String(position);
        span.tabIndex = position === this.#current ? 0 : -1;
        if (!this.#paragraph) this.#box.append(this.#paragraph = document.createElement("p"));
        this.#paragraph.append(span);
        if (text.endsWith("\n")) this.#paragraph = null;
      }
      span.textContent = text;
      span.className = [special && "special", !made && "read", text === "" && "partial"].filter(Boolean).join(" ");
      this.#shades[position] = NaN;
      this.#dirty.add(position);
    }
  }

  #shade(position: number, log: RunLog) {
    const span = this.#spans[position];
    if (!span) return;
    const born = log.born(position);
    const here = born > 0 && born <= this.#step;
    const held = log.held(position, this.#step);
    span.dataset.held = here ? String(held) : "";
    const shade = !here ? -1 : held === 0 ? 0 : Math.max(1, Math.round(SHADES * held / log.lanes));
    if (shade === this.#shades[position]) return;
    this.#shades[position] = shade;
    span.style.setProperty("--held", String(Math.max(0, shade) / SHADES));
    span.classList.toggle("gone", shade === 0);
    span.classList.toggle("ahead", shade < 0);
  }

  #reach(position: number) {
    const before = this.#spans[this.#current];
    if (before) before.tabIndex = -1;
    this.#current = position;
    this.#spans[position].tabIndex = 0;
  }

  #key(event: KeyboardEvent, left: () => void) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.#spans.length === 0) return;
    const last = this.#spans.length - 1;
    const to: Record<string, () => number> = {
      ArrowLeft: () => this.#current - 1,
      ArrowRight: () => this.#current + 1,
      ArrowUp: () => this.#line(-1),
      ArrowDown: () => this.#line(1),
      Home: () => 0,
      End: () => last,
    };
    if (event.key === "Escape") return left();
    if (!Object.hasOwn(to, event.key)) return;
    event.preventDefault();
    this.#spans[Math.max(0, Math.min(last, to[event.key]()))].focus();
  }

  /** The token above or below the current one. */
  #line(step: 1 | -1): number {
    const { offsetTop, offsetLeft } = this.#spans[this.#current];
    let at = this.#current;
    while (this.#spans[at]?.offsetTop === offsetTop) at += step;
    const row = this.#spans[at]?.offsetTop;
    while (this.#spans[at + step]?.offsetTop === row && (this.#spans[at].offsetLeft - offsetLeft) * step < 0) {
      at += step;
    }
    return at;
  }
}
