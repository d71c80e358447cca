/** Which of a session's tokens stay for good. */
import type { Books } from "./books.ts";
import type { Span } from "../options/index.ts";

/** The most live tokens of any lane that are sinks or in one of the spans. */
export function mostHeld(books: Books | undefined, sinks: number, spans: readonly Span[]): number {
  if (!books) return 0;
  const positions = books.positions();
  let most = 0;
  for (let begin = 0; begin < positions.length; begin += books.width) {
    let held = 0;
    for (let slot = begin; slot < begin + books.width; slot++) {
      const at = positions[slot];
      if (at >= 0 && (at < sinks || spans.some(([from, to]) => from <= at && at < to))) held++;
    }
    most = Math.max(most, held);
  }
  return most;
}
