/**
 * The map's picture, one pixel a cell: [lanes] high, cut into tiles of TILE positions. A step changes a few cells of it; a jump in
 * time makes tiles stale, which are painted again when they are looked at, as many as there is time for.
 */
import type { RunLog } from "../log.ts";
import type { Scores } from "../protocol.ts";
import { LEVELS, pixel, PLAIN, ramp, type Theme } from "./colour.ts";
import { levelOf, type Measure, type Scale, scaleOf, valuesOf } from "./scale.ts";

const TILE = 256; // positions

/** What is in sight, and where. Pixels are the context's. */
interface Sight {
  readonly from: number; // position
  readonly to: number; // position behind the last
  readonly place: (position: number) => number; // its left edge
  readonly top: number; // of the first lane
  readonly high: number; // pixels of a lane
}

interface Tile {
  readonly canvas: OffscreenCanvas;
  readonly image: ImageData;
  readonly pixels: Uint32Array; // [lanes, TILE]
  dirty: boolean; // pixels are newer than the canvas
  stale: boolean; // pixels are of another time
}

export class Tiles {
  scale: Scale = { log: true, low: 1e-4, high: 1 };
  readonly #log: RunLog;
  readonly #lanes: number;
  #tiles: Tile[] = [];
  #levels = new Uint8Array(0); // [positions, lanes]; 0: none
  #colours = new Uint32Array(LEVELS + 1); // by level; that of 0 is a cell without one
  #gone = 0;
  #step = Infinity; // that is shown

  constructor(log: RunLog, theme: Theme) {
    this.#log = log;
    this.#lanes = log.lanes;
    this.theme(theme);
  }

  theme(theme: Theme): void {
    const { gone, fresh } = PLAIN[theme];
    this.#colours.set([pixel(fresh), ...ramp(theme).map(pixel)]);
    this.#gone = pixel(gone);
    this.#age();
  }

  /** Shows the time after a step; Infinity: now. */
  at(step: number): void {
    if (step === this.#step) return;
    this.#step = step;
    this.#age();
  }

  #age() {
    for (const tile of this.#tiles) tile.stale = true;
  }

  /** Colours the live cells by these scores, and forgets all others. */
  colour(scores: Scores, measure: Measure, score: string): void {
    const values = valuesOf(scores, measure);
    const scale = this.scale = scaleOf(values, measure, score);
    const cells = this.#log.seen * this.#lanes;
    if (this.#levels.length < cells) this.#levels = new Uint8Array(2 * cells);
    else this.#levels.fill(0);
    const now = this.#step === Infinity;
    if (!now) this.#age(); // cells may be of another time than the scores
    for (let lane = 0; lane < this.#lanes; lane++) {
      for (let i = scores.begins[lane]; i < scores.begins[lane + 1]; i++) {
        const position = scores.positions[i];
        this.#levels[position * this.#lanes + lane] = levelOf(values[i], scale);
        if (now) this.touch(position, lane);
      }
    }
  }

  /** A cell changed; lane −1: all of a position. */
  touch(position: number, lane: number): void {
    const tile = this.#tile(Math.floor(position / TILE));
    if (tile.stale) return;
    if (lane < 0) this.#paint(tile, position);
    else this.#cell(tile, position, lane);
    tile.dirty = true;
  }

  #paint(tile: Tile, position: number) {
    for (let lane = 0; lane < this.#lanes; lane++) this.#cell(tile, position, lane);
  }

  #cell(tile: Tile, position: number, lane: number) {
    const born = this.#log.born(position);
    const there = born > 0 && born <= this.#step;
    const holds = there && this.#log.holds(lane, position, this.#step);
    const level = this.#levels[position * this.#lanes + lane] ?? 0;
    tile.pixels[lane * TILE + position % TILE] = holds ? this.#colours[level] : there ? this.#gone : 0;
  }

  #tile(index: number): Tile {
    return this.#tiles[index] ??= (() => {
      const canvas = new OffscreenCanvas(TILE, this.#lanes);
      const image = new ImageData(TILE, this.#lanes);
      return { canvas, image, pixels: new Uint32Array(image.data.buffer), dirty: true, stale: true };
    })();
  }

  /**
   * Draws what is in sight.
   * @param budget ms for painting stale tiles
   * @returns whether all of it is of the time shown: if not, call again in the next frame
   */
  draw(context: CanvasRenderingContext2D, { from, to, place, top, high }: Sight, budget = 5): boolean {
    const started = performance.now();
    let whole = true;
    const last = Math.floor((Math.min(to, this.#log.seen) - 1) / TILE);
    for (let index = Math.max(0, Math.floor(from / TILE)); index <= last; index++) {
      const tile = this.#tile(index);
      if (tile.stale) {
        if (performance.now() - started > budget) {
          whole = false;
        } else {
          tile.stale = false;
          tile.dirty = true;
          for (let i = 0; i < TILE; i++) this.#paint(tile, index * TILE + i);
        }
      }
      if (tile.dirty) tile.canvas.getContext("2d")!.putImageData(tile.image, 0, 0);
      tile.dirty = false;
      const [left, right] = [place(index * TILE), place((index + 1) * TILE)];
      context.imageSmoothingEnabled = right - left < TILE || high < 1;
      context.drawImage(tile.canvas, left, top, right - left, high * this.#lanes);
    }
    return whole;
  }
}
