/**
 * exp, log, powers, sine and cosine with the same bits on every host: those of `Math` differ in the last one from host to host.
 * After Sun's fdlibm (e_exp, e_log, e_rem_pio2, k_sin, k_cos), to within two units in the last place.
 */

const bits = new DataView(new ArrayBuffer(8));
const BIAS = 1023; // of exponents

const LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
const INVERSE_LN2 = 1.44269504088896338700;
const SQUARE_ROOT_OF_2 = 1.4142135623730951;

const E1 = 1.66666666666666019037e-01, E2 = -2.77777777770155933842e-03, E3 = 6.61375632143793436117e-05;
const E4 = -1.65339022054652515390e-06, E5 = 4.13813679705723846039e-08;

const L1 = 6.666666666666735130e-01, L2 = 3.999999999940941908e-01, L3 = 2.857142874366239149e-01;
const L4 = 2.222219843214978396e-01, L5 = 1.818357216161805012e-01, L6 = 1.531383769920937332e-01;
const L7 = 1.479819860511658591e-01;

const INVERSE_HALF_PI = 6.36619772367581382433e-01;
const HALF_PI = 1.57079632673412561417, HALF_PI_2 = 6.07710050630396597660e-11; // its first 33 bits, and the next
const HALF_PI_REST = 2.02226624879595063154e-21;

const S1 = -1.66666666666666324348e-01, S2 = 8.33333333332248946124e-03, S3 = -1.98412698298579493134e-04;
const S4 = 2.75573137070700676789e-06, S5 = -2.50507602534068634195e-08, S6 = 1.58969099521155010221e-10;

const C1 = 4.16666666666666019037e-02, C2 = -1.38888888888741095749e-03, C3 = 2.48015872894767294178e-05;
const C4 = -2.75573143513906633035e-07, C5 = 2.08757232129817482790e-09, C6 = -1.13596475577881948265e-11;

/** A power of two, of exponents from -1022 to 1023. */
function two(exponent: number): number {
  bits.setUint32(0, (exponent + BIAS) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

/** e to the power of x; 0 where that is below 1e-307. */
export function exp(x: number): number {
  if (!(x >= -708)) return Number.isNaN(x) ? x : 0;
  if (x > 709.782712893384) return Infinity;
  const k = Math.round(INVERSE_LN2 * x);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const z = r * r;
  const c = r - z * (E1 + z * (E2 + z * (E3 + z * (E4 + z * E5))));
  const y = 1 - ((low - r * c / (2 - c)) - high);
  return k > BIAS ? y * 2 * two(BIAS) : y * two(k);
}

/** The natural logarithm of a number from 1e-307 on; of 0 and less, as of `Math`. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log(x);
  bits.setFloat64(0, x);
  let k = (bits.getUint32(0) >>> 20) - BIAS;
  bits.setUint32(0, (bits.getUint32(0) & 0xfffff) | BIAS << 20);
  let m = bits.getFloat64(0); // 1 to 2
  if (m > SQUARE_ROOT_OF_2) [m, k] = [m / 2, k + 1];
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const r = w * (L2 + w * (L4 + w * L6)) + z * (L1 + w * (L3 + w * (L5 + w * L7)));
  const half = 0.5 * f * f;
  return k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f);
}

/** A number above 0 to a power: to within a few units in the last place for each doubling of the result. */
export function power(x: number, y: number): number {
  return exp(y * log(x));
}

/** Writes cosine and sine of an angle below 1e6 to two places of a list. */
export function turn(angle: number, to: Float32Array | Float64Array, cosAt: number, sinAt: number): void {
  const quarters = Math.round(angle * INVERSE_HALF_PI);
  const whole = angle - quarters * HALF_PI;
  const next = quarters * HALF_PI_2;
  const near = whole - next;
  const rest = quarters * HALF_PI_REST - ((whole - near) - next);
  const x = near - rest;
  const y = (near - x) - rest; // the angle is x + y
  const z = x * x;
  const v = z * x;
  const s = S2 + z * (S3 + z * (S4 + z * (S5 + z * S6)));
  const sin = x - ((z * (0.5 * y - v * s) - y) - v * S1);
  const c = z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6)))));
  const half = 0.5 * z;
  const w = 1 - half;
  const cos = w + (((1 - w) - half) + (z * c - x * y));
  const odd = quarters & 1;
  to[sinAt] = (quarters & 2 ? -1 : 1) * (odd ? cos : sin);
  to[cosAt] = ((quarters + 1) & 2 ? -1 : 1) * (odd ? sin : cos);
}
