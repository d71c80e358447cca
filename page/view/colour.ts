/** The map's colours: a ramp of equal steps in OKLab lightness, so that equal differences of value look equal. */

export const LEVELS = 255; // with "no level" they fit a byte

/** A ramp's ends in OKLCh: lightness, chroma, hue in degrees. More stands out from the ground more. */
const RAMPS = {
  dark: { from: [0.38, 0.11, 292], to: [0.94, 0.13, 102] },
  light: { from: [0.9, 0.07, 100], to: [0.33, 0.12, 285] },
} as const;

export type Theme = keyof typeof RAMPS;

/** Cells without a level, RGB. */
export const PLAIN: Record<Theme, { gone: RGB; fresh: RGB; ground: RGB }> = {
  dark: { gone: [37, 41, 48], fresh: [120, 126, 136], ground: [22, 25, 30] },
  light: { gone: [235, 233, 227], fresh: [150, 150, 148], ground: [255, 255, 255] },
};

export type RGB = readonly [number, number, number]; // 0 … 255

/** The ramp, least first: [LEVELS]. */
export function ramp(theme: Theme): RGB[] {
  const { from, to } = RAMPS[theme];
  return Array.from({ length: LEVELS }, (_, i) => {
    const t = i / (LEVELS - 1);
    const [l, c, h] = [0, 1, 2].map((part) => from[part] + (to[part] - from[part]) * t);
    return srgb(l, c, h * Math.PI / 180);
  });
}

/** OKLCh to sRGB: https://bottosson.github.io/posts/oklab/ */
function srgb(lightness: number, chroma: number, hue: number): RGB {
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const [red, green, blue] = linear.map((x) => {
    const curved = x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, curved)));
  });
  return [red, green, blue];
}

/** One pixel of an ImageData, little-endian. */
export const pixel = ([red, green, blue]: RGB) => (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
