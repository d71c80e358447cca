/** Numbers as Python prints and rounds them. */
import { room } from "./error.ts";

/** A float, as Python's `repr` writes it: the shortest digits that mean it. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits, exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** With so many digits behind the point, the last one rounded exactly, halves to even. */
export function fixed(value: number, digits: number): string {
  room(digits + 330);
  if (Math.abs(value) >= 1e21) return BigInt(value).toString() + (digits > 0 ? `.${"0".repeat(digits)}` : "");
  if (digits > 100) return value.toFixed(100) + "0".repeat(digits - 100); // doubles of use end before
  return evenly(value.toFixed(digits), value.toFixed(Math.min(100, digits + 60)));
}

/** As 1.25e+02, with so many digits behind the point. */
export function scientific(value: number, digits: number): string {
  const most = Math.min(digits, 100);
  const [head, exponent] = value.toExponential(most).split("e");
  const [exact, power] = value.toExponential(Math.min(100, most + 60)).split("e");
  const rounded = power === exponent ? evenly(head, exact) : head;
  return `${rounded}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** JavaScript rounds an exact half away from 0; its even neighbour is the one before. */
function evenly(rounded: string, exact: string): string {
  const tail = exact.slice(rounded.length + (rounded.includes(".") ? 0 : 1));
  const last = Number(rounded.at(-1));
  const before = exact.slice(0, rounded.length);
  return /^50*$/.test(tail) && last % 2 === 1 ? before : rounded;
}

/** Python's `round`. */
export function rounded(value: number, digits: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  if (digits > 22) return value;
  if (digits >= 0) return Number(fixed(value, digits));
  const unit = 10 ** -digits;
  const part = value / unit, whole = Math.trunc(part), rest = Math.abs(value - whole * unit) * 2;
  const away = rest > unit || rest === unit && whole % 2 !== 0;
  return (away ? whole + Math.sign(value) : whole) * unit;
}
