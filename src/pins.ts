/** Which of a session's tokens stay for good. */
import type { Core } from "./core.ts";
import type { Span } from "./options.ts";

/** The most live tokens of any lane that are sinks or in one of the spans. */
export function mostHeld(core: Core | undefined, sinks: number, spans: readonly Span[]): number {
  if (!core) return 0;
  let most = 0;
  for (let begin = 0; begin < core.positions.length; begin += core.capacity) {
    let held = 0;
    for (let slot = begin; slot < begin + core.capacity; slot++) {
      const at = core.positions[slot];
      if (at >= 0 && (at < sinks || spans.some(([from, to]) => from <= at && at < to))) held++;
    }
    most = Math.max(most, held);
  }
  return most;
}
