/** Replays a policy over a recording: the core alone, neither model nor GPU. */
import { slotsOf } from "../core/core.ts";
import { refuse } from "../errors.ts";
import { Books, type Group } from "../eviction/books.ts";
import { Tenants } from "../eviction/evictions.ts";
import { type CheckedReplay, checkReplay, type ReplayOptions } from "./options.ts";
import { ruleName, ruleOf } from "../eviction/rule.ts";
import { groupingOf, Shares } from "../eviction/shares.ts";
import type { Pass, Recording } from "./read.ts";

/** What a replay found. Shares are of the attention that was recorded, per pass and lane. */
export interface Replay {
  /** The policy, and what was put in place of its parts. */
  readonly policy: string;
  /** Live slots per lane. */
  readonly budget: number;
  /** Tokens evicted from each lane, on average over the lanes. */
  readonly evictions: number;
  /** Mean share of a pass's recorded attention that went to tokens the policy still held. */
  readonly meanShare: number;
  /** The least of them. */
  readonly leastShare: number;
  /** Share of the tokens held, over passes and lanes, that the recorded run had lost: nothing is known of their attention. */
  readonly unknown: number;
  /** Whether victims were those of the recorded run, in every pass; null where its policy or budget was another. */
  readonly reproduced: boolean | null;
}

/**
 * Replays one policy. Every pass's rows are given to the tokens that the policy still holds, raised so that they add up to
 * as much as they did over all tokens recorded: exact for a pass of one query, but for what the model would have done
 * otherwise on a smaller cache; an approximation for a chunk of several queries, whose own sums are not known one by one.
 * A token that the recorded run had evicted, and this policy would hold, gets nothing: record under the policy full.
 * @throws RangeError for options that a session would refuse, or a budget that protection alone fills
 */
export function replay(recording: Recording, asked: ReplayOptions = {}): Replay {
  return replayChecked(recording, checkReplay(recording, asked));
}

/** As `replay`. @param heard hears of the books behind every pass, when tokens have gone */
export function replayChecked(
  recording: Recording,
  { options, asRecorded }: CheckedReplay,
  heard: (books: Books) => void = () => {},
): Replay {
  const slots = Math.min(options.budget, recording.longest) + recording.stride; // no lane ever holds more
  const grouping = groupingOf(
    recording,
    options,
    options.allocation === "uniform" ? slots : options.budget + recording.stride,
  );
  const books = new Books(grouping.shapes, options, (part) => ruleOf(options, part));
  const shares = grouping.pooled ? new Shares(books, recording.kvHeads, options) : null;
  const tenants = asRecorded ? new Tenants(books) : null;
  const found = new Int32Array(books.width);
  const tally = { shares: 0, least: Infinity, held: 0, unknown: 0, evicted: 0, reproduced: true };
  for (const event of recording.events) {
    if (event.kind === "pin") books.pin(event.from, event.to);
    else if (event.kind === "reset") {
      books.reset();
      shares?.reset();
    } else {
      const { queries, ids } = event;
      const slots = books.claim(queries, true);
      tenants?.claimed({ ids, begin: 0, count: queries }, slots);
      giveRows(books, event, tally, found);
      for (const { core } of books.groups) core.observe(queries);
      shares?.taken(queries);
      if (options.policy !== "full") { for (const group of books.groups) tally.evicted += evict(books, group); }
      if (tenants) tally.reproduced &&= sameVictims(books, tenants, event);
      heard(books);
    }
  }
  const rows = recording.passes * books.lanes;
  return {
    policy: ruleName(options),
    budget: options.budget,
    evictions: tally.evicted / books.lanes,
    meanShare: tally.shares / rows,
    leastShare: tally.least,
    unknown: tally.unknown / tally.held,
    reproduced: asRecorded ? tally.reproduced : null,
  };
}

/** Brings a group back to its budget. @returns how many tokens went from its lanes */
function evict(books: Books, group: Group): number {
  const { core, budget } = group;
  const n = Math.max(0, core.live - budget);
  if (n > core.evictable) {
    const kept = core.live - core.evictable;
    const rule = `budget must be at least the ${kept} tokens protected by then`;
    refuse("replay", rule, budget, { option: "budget", code: "no-room" });
  }
  books.evict(group, n);
  return n * core.lanes;
}

/** One lane's part of a pass's lists, at [from, end), and where in them the tokens stand that the books hold. */
interface Part {
  from: number;
  end: number;
  readonly found: Int32Array; // by place in the lane's list of slots; −1: not there
}

/**
 * Finds the tokens of a lane's slots in its part of a pass's lists.
 * @param held position of the token of each slot
 * @returns how many are there
 */
function match({ positions }: Pass, { from, end, found }: Part, held: Int32Array, slots: Uint32Array): number {
  let known = 0;
  let i = from;
  for (let j = 0; j < slots.length; j++) { // both lists ascend
    const position = held[slots[j]];
    while (i < end && (positions ? positions[i] : i - from) < position) i++;
    const there = i < end && (positions ? positions[i] : i - from) === position;
    found[j] = there ? i : -1;
    if (there) known++;
  }
  return known;
}

/** The share of a lane's part of a row that its `count` tokens hold, as far as they were found. */
function shareOf(row: Float32Array, { from, end, found }: Part, count: number): number {
  let all = 0;
  for (let i = from; i < end; i++) all += row[i];
  let held = 0;
  for (let j = 0; j < count; j++) if (found[j] >= 0) held += row[found[j]];
  return all > 0 ? Math.min(1, held / all) : 1;
}

interface Tally {
  shares: number;
  least: number;
  held: number;
  unknown: number;
}

/** Writes a pass's rows for the tokens that the books hold, raised to the sums of all that were recorded. */
function giveRows(books: Books, pass: Pass, tally: Tally, found: Int32Array): void {
  const { live, planes } = pass;
  const part: Part = { from: 0, end: 0, found };
  books.forEachLane((lane, slots, { core }, inGroup) => {
    const begin = inGroup * core.capacity;
    const plane = core.lanes * core.capacity;
    part.end = part.from + live[lane];
    const known = match(pass, part, slotsOf(core).positions.subarray(begin, begin + core.capacity), slots);
    const whole = known === live[lane]; // nothing is missing: rows are as they were recorded, to the last bit
    const share = whole ? 1 : shareOf(planes[0], part, slots.length);
    for (let k = 0; k < planes.length; k++) {
      // Σp grows to the whole, Σp² by the square of that, and the last query's p to its own whole.
      const held = k < 2 || whole ? share : shareOf(planes[2], part, slots.length);
      const factor = held > 0 ? (k === 1 ? 1 / (held * held) : 1 / held) : 0;
      for (let j = 0; j < slots.length; j++) {
        core.rows[k * plane + begin + slots[j]] = found[j] < 0 ? 0 : planes[k][found[j]] * factor;
      }
    }
    tally.shares += share;
    tally.least = Math.min(tally.least, share);
    tally.held += slots.length;
    tally.unknown += slots.length - known;
    part.from = part.end;
  });
}

/** Whether the books' victims are those recorded, lane by lane. */
function sameVictims(books: Books, { positions }: Tenants, { gone, victims }: Pass): boolean {
  let at = 0;
  for (const { core, first, victims: slots, freed } of books.groups) {
    for (let i = 0; i < core.lanes; i++) {
      const lane = first + i;
      const mine = Array.from(slots).slice(i * freed, (i + 1) * freed).map((slot) =>
        positions[lane * books.width + slot]
      );
      mine.sort((a, b) => a - b);
      const theirs = victims.subarray(at, at += gone[lane]);
      if (mine.length !== theirs.length || mine.some((position, j) => position !== theirs[j])) return false;
    }
  }
  return true;
}
