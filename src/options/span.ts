/** Spans of positions, which tokens are pinned by. */
import { refuse } from "../errors.ts";
import { whole } from "./check.ts";

/** Positions of tokens, [from, to): from the first one to the one behind the last. */
export type Span = readonly [from: number, to: number];

/**
 * Checks one span.
 * @param option the option that it is of, where it is one
 * @throws KvcapRangeError unless it has a token, at whole positions
 */
export function checkSpan(action: string, name: string, span: unknown, option?: string): Span {
  const more = option === undefined ? {} : { option };
  const [from, to] = Array.isArray(span) && span.length === 2
    ? span
    : refuse(action, `${name} must be [from, to]`, span, more);
  whole(action, `${name}'s from`, from, { least: 0, more });
  whole(action, `${name}'s to`, to, { least: from + 1, more });
  return [from, to];
}

/** How many positions of [from, to) are sinks or in a span. */
export function protectedIn(from: number, to: number, sinks: number, spans: readonly Span[]): number {
  const sorted = [[0, sinks] as const, ...spans].toSorted((a, b) => a[0] - b[0]);
  let count = 0;
  let reached = from;
  for (const [first, end] of sorted) {
    count += Math.max(0, Math.min(end, to) - Math.max(first, reached));
    reached = Math.max(reached, end);
  }
  return count;
}

/** How what is kept for good is called in a message. */
export function keptName(spans: readonly Span[]): string {
  return spans.length > 0 ? "sinks and pinned tokens" : "sinks";
}
