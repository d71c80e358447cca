/** The map as a picture that stands alone: what it is of, its axes, the scale of its colours. */
import { LEVELS, PLAIN, ramp, type Theme } from "./colour.ts";
import { css, UNCOLOURED } from "./legend.ts";
import { make, png } from "./dom.ts";
import { type Scale, ticksOf } from "./scale.ts";

const [PAD, LEFT, TOP, BOTTOM] = [12, 30, 34, 76]; // CSS pixels around the map
const BESIDE = LEVELS + 30; // where the words begin beside the scale, which has a pixel a level

export interface Inks {
  readonly text: string;
  readonly line: string; // the ground, too
}

/** What stands under the map. */
interface Legend {
  readonly scale: Scale;
  readonly unit: string; // of the scale, in words
}

/** What it is drawn with. */
interface Look {
  readonly theme: Theme; // of the cells
  readonly ink: Inks; // of all else
}

/** @param line what it is of */
export function mapPicture(
  map: HTMLCanvasElement,
  line: string,
  { scale, unit }: Legend,
  { theme, ink: { text, line: ground } }: Look,
): Promise<Blob> {
  const ratio = globalThis.devicePixelRatio || 1;
  const [width, height] = [map.width / ratio, map.height / ratio];
  const canvas = make("canvas");
  const context = canvas.getContext("2d")!;
  const font = context.font = "12px system-ui, sans-serif";
  const wide = (words: string) => context.measureText(words).width;
  const whole = Math.max(width, wide(line), BESIDE + Math.max(wide(unit), 200)) + LEFT + PAD;
  canvas.width = Math.ceil(whole * ratio);
  canvas.height = Math.ceil((TOP + height + BOTTOM) * ratio);
  context.scale(ratio, ratio);
  context.font = font;
  context.fillStyle = ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(map, LEFT, TOP, width, height);

  const write = (words: string, x: number, y: number, align: CanvasTextAlign = "left") => {
    context.fillStyle = text;
    context.textAlign = align;
    context.fillText(words, x, y);
  };
  write(line, LEFT, 21);
  const below = TOP + height;
  write("position, tokens", LEFT + width, below + 12, "right");
  context.save();
  context.translate(18, TOP + height / 2);
  context.rotate(-Math.PI / 2);
  write("layer·head", 0, 0, "center");
  context.restore();

  ramp(theme).forEach((colour, i) => {
    context.fillStyle = css(colour);
    context.fillRect(LEFT + i, below + 30, 1, 10);
  });
  for (const { at, text } of ticksOf(scale)) write(text, LEFT + at * LEVELS, below + 56, "center");
  write(unit, LEFT + BESIDE, below + 40);
  let x = LEFT + BESIDE;
  for (const [kind, words] of UNCOLOURED) {
    context.fillStyle = css(PLAIN[theme][kind]);
    context.fillRect(x, below + 47, 10, 10);
    write(words, x + 15, below + 56);
    x += wide(words) + 32;
  }
  return png(canvas);
}
