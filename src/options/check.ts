/** The checks that kinds of options are made of: each refuses with "Cannot <action>: <name> must …, got <value>". */
import { type More, refuse } from "../errors.ts";

export const MOST_SLOTS = 1 << 22;
export const MOST_SEED = 2 ** 32 - 1;

/** What a whole number must be. */
interface Bounds {
  readonly least: number;
  readonly most?: number;
  readonly more?: More; // what the refusal tells besides its sentence
}

/** A whole number within bounds. @throws KvcapRangeError */
export function whole(
  action: string,
  name: string,
  value: unknown,
  { least, most = MOST_SLOTS, more = { option: name } }: Bounds,
): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    refuse(action, `${name} must be a whole number from ${least} to ${most}`, value, more);
  }
  return value as number;
}

/** A function the caller may have given; null where there is none. @throws KvcapRangeError */
export function callback<T>(action: string, name: string, value: T | null | undefined): T | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "function") refuse(action, `${name} must be a function`, value, { option: name });
  return value;
}

/** Options, of which all are known. @throws KvcapRangeError where there are none, or one has another name */
export function known(action: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) refuse(action, "options must be an object", options);
  const stranger = Object.keys(options).find((name) => !names.includes(name));
  if (stranger === undefined) return;
  refuse(action, `options are ${names.join(", ")}`, stranger, { code: "unknown-option", option: stranger, names });
}
