/** What the paper looks at before it proposes RoCo, of any recording: how far a policy keeps what it would keep if it saw all, and σ. */
import type { Books } from "../eviction/books.ts";
import { checkReplay, type ReplayOptions } from "./options.ts";
import type { Recording } from "./read.ts";
import { replayChecked } from "./replay.ts";

const MOMENTS = 12; // at which it is looked
const PARTS = 16; // of the text, from its first tokens to its newest

/** How far the tokens held are those that the same policy would hold if no attention had been lost to it. */
export interface Overlap {
  readonly policy: string;
  readonly budget: number;
  /** Tokens taken in, and the share of each lane's tokens that are the same, on average over the lanes. */
  readonly moments: readonly { readonly tokens: number; readonly share: number }[];
  /** Over all moments; 1 where nothing goes. */
  readonly mean: number;
}

/** The standard deviation of the attention that tokens got, on average over the lanes, by where in the text they stand. */
export interface Spread {
  /** Tokens taken in. */
  readonly tokens: number;
  /** Of each part of them, from the first tokens to the newest. */
  readonly parts: readonly number[];
}

/** Tokens taken in at the moments that are looked at: those passes that end behind them. */
function momentsOf(recording: Recording, count: number): Set<number> {
  const found = new Set<number>();
  let [tokens, next] = [0, 1];
  for (const event of recording.events) {
    if (event.kind === "reset") tokens = 0;
    if (event.kind !== "pass") continue;
    tokens += event.queries;
    if (tokens < Math.ceil(next * recording.longest / count)) continue;
    found.add(tokens);
    while (next * recording.longest / count <= tokens) next++;
  }
  return found;
}

/** The positions that each lane holds, those in the slots given left out: [lanes]. */
function held(books: Books, without: (lane: number) => ArrayLike<number> = () => []): Set<number>[] {
  const found: Set<number>[] = [];
  books.forEachLane((lane, live, { core }, inGroup) => {
    const gone = new Set(Array.from(without(lane)));
    const at = inGroup * core.capacity;
    found[lane] = new Set(Array.from(live).filter((slot) => !gone.has(slot)).map((slot) => core.positions[at + slot]));
  });
  return found;
}

/** The positions that each lane would hold if it gave up all above the budget now, by attention of which nothing was lost. */
function wouldHold(books: Books, counts: readonly number[]): Set<number>[] {
  const lanes: ArrayLike<number>[] = [];
  for (const { core, own, first } of books.groups) {
    for (let i = 0; i < core.lanes; i++) {
      const n = core.live - counts[first + i];
      const chosen = n <= 0 ? [] : (own ? core.chooseBy(own, n) : core.choose(n)).slice(i * n, (i + 1) * n);
      lanes.push(chosen);
    }
  }
  return held(books, (lane) => lanes[lane]);
}

/**
 * Replays a policy twice: under its budget, and with room for all, where it says at each moment what it would keep of all.
 * (arXiv 2402.06262 compares the tokens of highest score alike, under a budget and without one.)
 * @throws RangeError as `replay` does
 */
export function overlapOf(recording: Recording, asked: ReplayOptions = {}): Overlap {
  const checked = checkReplay(recording, asked);
  const moments = momentsOf(recording, MOMENTS);
  const capped: { tokens: number; held: Set<number>[] }[] = [];
  const { policy, budget } = replayChecked(recording, checked, (books) => {
    if (moments.has(books.seen)) capped.push({ tokens: books.seen, held: held(books) });
  });
  const whole = { ...checked.options, budget: recording.longest, allocation: "uniform" as const };
  const found: Overlap["moments"][number][] = [];
  let index = 0;
  replayChecked(recording, { options: whole, asRecorded: false }, (books) => {
    if (!moments.has(books.seen)) return;
    const { tokens, held } = capped[index++];
    const ideal = wouldHold(books, held.map(({ size }) => size));
    const shares = held.map((lane, i) => lane.size === 0 ? 1 : lane.intersection(ideal[i]).size / lane.size);
    found.push({ tokens, share: shares.reduce((sum, share) => sum + share, 0) / shares.length });
  });
  const mean = found.reduce((sum, { share }) => sum + share, 0) / found.length;
  return { policy, budget, moments: found, mean };
}

/** σ of every part of the text, at a third, two thirds and the end of it. A recording of a full cache tells of all tokens. */
export function spreadOf(recording: Recording): Spread[] {
  const { options } = checkReplay(recording, { policy: "roco", budget: Math.max(1, recording.longest) });
  const moments = momentsOf(recording, 3);
  const found: Spread[] = [];
  replayChecked(recording, { options: { ...options, budget: recording.longest }, asRecorded: false }, (books) => {
    if (!moments.has(books.seen)) return;
    const sums = new Float64Array(PARTS);
    const counts = new Uint32Array(PARTS);
    books.forEachLane((_, live, { core }, inGroup) => {
      for (let i = 0; i < live.length; i++) {
        const at = inGroup * core.capacity + live[i];
        const queries = core.clock - core.births[at];
        const mean = core.sums[at] / queries;
        const part = Math.floor(core.positions[at] / books.seen * PARTS);
        sums[part] += Math.sqrt(Math.max(0, core.squares[at] / queries - mean * mean));
        counts[part]++;
      }
    });
    found.push({ tokens: books.seen, parts: Array.from(sums, (sum, part) => sum / counts[part] || 0) });
  });
  return found;
}
