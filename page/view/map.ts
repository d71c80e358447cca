/** The map: lanes by positions, drawn from the run's log; what is hovered or picked is marked in it. */
import type { RunLog } from "../log.ts";
import type { RunInfo, Scores } from "../protocol.ts";
import { Camera, steer } from "./camera.ts";
import type { Theme } from "./colour.ts";
import { mapPicture } from "./picture.ts";
import type { Measure } from "./scale.ts";
import { Tiles } from "./tiles.ts";

const GUTTER = { left: 44, top: 4, bottom: 18, right: 4 }; // CSS pixels

/** A cell of the map. */
export interface Cell {
  readonly lane: number;
  readonly position: number;
}

export class MapView {
  readonly camera = new Camera();
  tiles: Tiles | null = null;
  #canvas: HTMLCanvasElement;
  #context: CanvasRenderingContext2D;
  #run: RunInfo | null = null;
  #log: RunLog | null = null;
  #theme: Theme = "light";
  #step = Infinity;
  #marked: Cell | null = null; // lane −1: all of a position
  #stale = true;
  #size = [0, 0]; // CSS pixels
  #ink = { text: "#000", line: "#000", mark: "#000", size: "11px" };

  /** @param pointed hears of the cell under the pointer; null outside @param pressed whether it was pressed */
  constructor(canvas: HTMLCanvasElement, pointed: (cell: Cell | null, pressed: boolean) => void, moved: () => void) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d")!;
    steer(canvas, this.camera, {
      gutter: GUTTER,
      changed: () => {
        this.#stale = true;
        moved();
      },
      pointed: (px, py, pressed) => pointed(this.#cell(px, py), pressed),
    });
    canvas.addEventListener("pointerleave", () => pointed(null, false));
    new ResizeObserver(() => {
      this.#size = [canvas.clientWidth, canvas.clientHeight];
      this.#stale = true;
      moved();
    }).observe(canvas);
  }

  #cell(px: number, py: number): Cell | null {
    if (!this.#log) return null;
    const [position, lane] = this.camera.at(px, py).map(Math.floor);
    const inside = px >= 0 && position >= 0 && position < this.#log.seenAt(this.#step) && lane >= 0 &&
      lane < this.#log.lanes;
    return inside ? { lane, position } : null;
  }

  /** Shows a run from its beginning. */
  begin(run: RunInfo, log: RunLog): void {
    this.#run = run;
    this.#log = log;
    this.tiles = new Tiles(log, this.#theme);
    this.#step = Infinity;
    this.camera.fits = true;
    this.#stale = true;
  }

  theme(theme: Theme): void {
    this.#theme = theme;
    const style = getComputedStyle(this.#canvas);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    this.#ink = { text: colour("--muted"), line: colour("--panel"), mark: colour("--ink"), size: style.fontSize };
    this.tiles?.theme(theme);
    this.#stale = true;
  }

  at(step: number): void {
    this.#step = step;
    this.tiles?.at(step);
    this.#stale = true;
  }

  colour(scores: Scores, measure: Measure): void {
    if (!this.#run || !this.tiles) return;
    this.tiles.colour(scores, measure, this.#run.score);
    this.#stale = true;
  }

  touch(position: number, lane: number): void {
    this.tiles?.touch(position, lane);
    this.#stale = true;
  }

  mark(cell: Cell | null): void {
    const [a, b] = [cell, this.#marked];
    if (a?.lane === b?.lane && a?.position === b?.position) return;
    this.#marked = cell;
    this.#stale = true;
  }

  redraw(): void {
    this.#stale = true;
  }

  /** Draws what changed. To be called once a frame. @returns whether there is more to be drawn in the next */
  frame(): boolean {
    const [width, height] = this.#size;
    if (!this.#stale || width === 0) return false;
    const ratio = globalThis.devicePixelRatio || 1;
    const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== deviceWidth) this.#canvas.width = deviceWidth;
    if (this.#canvas.height !== deviceHeight) this.#canvas.height = deviceHeight;
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    const [inner, high] = [width - GUTTER.left - GUTTER.right, height - GUTTER.top - GUTTER.bottom];
    const run = this.#run, log = this.#log;
    this.#stale = false;
    if (!run || !log || !this.tiles || inner <= 0) return false;
    const { camera } = this;
    camera.frame(inner, high, log.lanes, Math.min(log.seen, log.seenAt(this.#step)));
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(GUTTER.left, GUTTER.top, inner, high);
    context.clip();
    context.translate(GUTTER.left, GUTTER.top);
    const { x: from, left: place } = camera;
    const to = from + inner / camera.wide;
    const whole = this.tiles.draw(context, { from, to, place, top: camera.top(0), high: camera.high });
    this.#lines(run, inner, high);
    this.#mark(high, inner);
    context.restore();
    this.#axes(run, inner, high);
    const { x, y, wide } = camera;
    this.#canvas.dataset.view = [x, y, wide, camera.high, GUTTER.left, GUTTER.top].join(" "); // for tests
    if (!whole) this.#stale = true;
    return !whole;
  }

  /** What is in sight, as a picture. @param line what it is of @param unit of the colours, in words */
  picture(line: string, unit: string): Promise<Blob> {
    const { scale } = this.tiles!;
    return mapPicture(this.#canvas, line, { scale, unit }, { theme: this.#theme, ink: this.#ink });
  }

  /** Gaps between layers, and between cells that are large enough. */
  #lines({ layers, kvHeads }: RunInfo, width: number, height: number) {
    const { camera } = this;
    this.#context.fillStyle = this.#ink.line;
    if (camera.high >= 4) {
      for (let lane = 0; lane <= layers * kvHeads; lane++) {
        const thick = lane % kvHeads === 0 ? Math.min(3, camera.high / 4) : camera.high >= 8 ? 1 : 0;
        if (thick > 0) this.#context.fillRect(0, Math.round(camera.top(lane) - thick / 2), width, thick);
      }
    }
    if (camera.wide < 7) return;
    for (let position = Math.floor(camera.x); camera.left(position) < width; position++) {
      this.#context.fillRect(Math.round(camera.left(position)), 0, 1, height);
    }
  }

  #mark(height: number, width: number) {
    if (!this.#marked) return;
    const { lane, position } = this.#marked;
    const { camera } = this;
    const context = this.#context;
    const wide = Math.max(3, camera.wide);
    context.strokeStyle = this.#ink.mark;
    context.lineWidth = 1;
    context.strokeRect(Math.round(camera.left(position)) - 0.5, -2, wide + 1, height + 4);
    if (lane < 0) return;
    context.lineWidth = 2;
    context.strokeRect(camera.left(position) - 1, camera.top(lane), wide + 2, camera.high);
    context.globalAlpha = 0.25;
    context.fillStyle = this.#ink.mark;
    context.fillRect(0, camera.top(lane + 0.5), width, 1);
    context.globalAlpha = 1;
  }

  /** On the left layers, or layer·head of every lane where there is room; positions below. */
  #axes({ layers, kvHeads }: RunInfo, width: number, height: number) {
    const { camera } = this;
    const context = this.#context;
    context.fillStyle = this.#ink.text;
    context.font = `${this.#ink.size} system-ui, sans-serif`;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const each = camera.high >= 14 ? 1 : kvHeads * Math.ceil(14 / (camera.high * kvHeads)); // lanes between labels
    for (let lane = 0; lane < layers * kvHeads; lane += each) {
      const y = camera.top(lane + Math.min(each, kvHeads) / 2);
      const name = `L${Math.floor(lane / kvHeads)}${each === 1 ? `·${lane % kvHeads}` : ""}`;
      if (y > 6 && y < height - 2) context.fillText(name, GUTTER.left - 6, GUTTER.top + y);
    }
    context.textAlign = "left";
    const steps = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
    const apart = steps.find((step) => step * camera.wide >= 56) ?? 20000;
    const bottom = GUTTER.top + height;
    for (let position = Math.ceil(camera.x / apart) * apart; camera.left(position) < width - 20; position += apart) {
      const x = GUTTER.left + camera.left(position);
      context.fillRect(Math.round(x), bottom, 1, 5);
      context.fillText(String(position), x + 3, bottom + 11);
    }
  }
}
