/** What a session would evict by, as things stand: for those who watch it. */
import type { Books } from "./books.ts";

/** One lane's prospects. */
export interface Outlook {
  /**
   * What the rule, or the session's own score, makes of every live slot now, [capacity]: bigger is more worth keeping. A view,
   * for reading, that the next call or step changes.
   */
  readonly scores: Float32Array;
  /** The slot that would go next; -1 where none may. Its score is the least within the scope. */
  readonly next: number;
}

/**
 * Every lane's prospects, [lanes]. Costs about as much as an eviction.
 * @param evicts whether anything ever goes
 * @throws RangeError where the session's own score gives no number
 */
export function outlookOf({ groups }: Books, evicts: boolean): Outlook[] {
  return groups.flatMap(({ core, own }) => {
    const may = evicts && core.pending === 0 && core.evictable > 0;
    const next = may ? Array.from(own ? core.chooseBy(own, 1) : core.choose(1)) : [];
    if (!own) core.showScores();
    const { lanes, capacity, scores } = core;
    return Array.from({ length: lanes }, (_, lane) => ({
      scores: scores.subarray(lane * capacity, (lane + 1) * capacity),
      next: next[lane] ?? -1,
    }));
  });
}
