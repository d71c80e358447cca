// What a lane of the naive twin keeps of what was evicted: all of it, in groups of which means are made whenever they are read.

/** A key and a value of a token. */
export interface Cached {
  key: number[]; // rotated, unless positions are counted in the cache; as it was stored
  value: number[];
}

/** Everything that went to one mean, which is made of it whenever it is read; a token's weight is 1 until there are too many. */
export type Remainder = (Cached & { weight: number })[];

export const weightOf = (tokens: Remainder) => tokens.reduce((sum, { weight }) => sum + weight, 0);
export const meanOf = (tokens: Remainder, part: "key" | "value") =>
  tokens[0][part].map((_, i) => tokens.reduce((sum, one) => sum + one.weight * one[part][i], 0) / weightOf(tokens));
/** How far keys are from their mean, squared and summed up. */
export function wayOf(tokens: Remainder): number {
  const mean = meanOf(tokens, "key");
  const far = (key: number[]) => key.reduce((sum, value, i) => sum + (value - mean[i]) ** 2, 0);
  return tokens.reduce((sum, { weight, key }) => sum + weight * far(key), 0);
}
/** Lets tokens weigh no more than so much, all of them less alike. */
export function lighten(tokens: Remainder, most: number): void {
  const all = weightOf(tokens);
  if (all > most) { for (const one of tokens) one.weight *= most / all; }
}
