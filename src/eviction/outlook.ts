/** What a session would evict by, as things stand: for those who watch it. */
import { slotsOf } from "../core/core.ts";
import type { Tokens } from "../engine/engine.ts";
import type { Evicted, StepEvent } from "../options/events.ts";
import { type Books, type Group, prepare } from "./books.ts";

/** One lane's prospects. */
export interface Outlook {
  /**
   * What the rule, or the session's own score, makes of every live slot now, [capacity]: bigger is more worth keeping. A copy.
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
  return groups.flatMap((group) => {
    const { core, own } = group;
    prepare(group);
    const may = evicts && core.pending === 0 && core.evictable > 0;
    const next = may ? Array.from(own ? core.chooseBy(own, 1) : core.choose(1)) : [];
    if (!own) core.showScores();
    else if (!may && core.pending === 0) core.showScoresBy(own);
    const { lanes, capacity, scores } = core;
    return Array.from({ length: lanes }, (_, lane) => ({
      scores: scores.slice(lane * capacity, (lane + 1) * capacity),
      next: next[lane] ?? -1,
    }));
  });
}

/** The positions of the live tokens of every lane, ascending: [lanes][live]. */
export function livePositions(books: Books): number[][] {
  return liveOf(books, ({ core }, slot, inGroup) => slotsOf(core).positions[inGroup * core.capacity + slot]);
}

/** Something of every live token, by lane and ascending position. */
function liveOf(books: Books, of: (group: Group, slot: number, inGroup: number, lane: number) => number): number[][] {
  const lanes: number[][] = [];
  books.forEachLane((lane, live, group, inGroup) => {
    lanes.push(Array.from(live, (slot) => of(group, slot, inGroup, lane)));
  });
  return lanes;
}

/**
 * A step that is done, as those who listen hear of it.
 * @param victims who went @param logits where there are any @param observed whether attention was
 */
export function stepEvent(
  books: Books,
  { ids, begin, count }: Tokens,
  victims: readonly Evicted[],
  { logits, observed }: { readonly logits: Float32Array | null; readonly observed: boolean },
): StepEvent {
  return {
    ids: Array.from({ length: count }, (_, t) => ids[begin + t]),
    first: books.seen - count,
    victims,
    live: () => livePositions(books),
    scores: () => {
      const outlook = outlookOf(books, true);
      return liveOf(books, (_, slot, __, lane) => outlook[lane].scores[slot]);
    },
    attention: () => observed ? liveOf(books, (_, slot, __, lane) => books.rows[lane * books.width + slot]) : null,
    logits,
  };
}
