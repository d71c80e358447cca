/** The checks that every options file is made of: each refuses with "Cannot <action>: <rule>, got <value>". */
import { refuse as refuseWith } from "../errors.ts";

export const MOST_SLOTS = 1 << 22;
export const MOST_SEED = 2 ** 32 - 1;

/** @throws RangeError always */
export function refuse(action: string, rule: string, value: unknown, option?: string): never {
  refuseWith(action, rule, value, option === undefined ? {} : { option });
}

export function whole(action: string, name: string, value: unknown, least: number, most = MOST_SLOTS): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    refuse(action, `${name} must be a whole number from ${least} to ${most}`, value);
  }
  return value as number;
}

export function flag(action: string, name: string, value: unknown): boolean {
  if (typeof value !== "boolean") refuse(action, `${name} must be true or false`, value);
  return value as boolean;
}

export function oneOf<T extends string>(action: string, name: string, value: unknown, names: readonly T[]): T {
  if (!names.includes(value as T)) refuse(action, `${name} must be one of ${names.join(", ")}`, value);
  return value as T;
}

/** A function the caller may have given; null where there is none. */
export function callback<T>(action: string, name: string, value: T | null | undefined): T | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "function") refuse(action, `${name} must be a function`, value);
  return value;
}

export function known(action: string, options: object, names: readonly string[]) {
  if (typeof options !== "object" || options === null) refuse(action, "options must be an object", options);
  const stranger = Object.keys(options).find((name) => !names.includes(name));
  if (stranger !== undefined) refuse(action, `options are ${names.join(", ")}`, stranger);
}
