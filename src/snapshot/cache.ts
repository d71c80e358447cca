/** The host's side of a session's cache as plain data: books, rows and ids. */
import type { ModelConfig } from "../engine/config.ts";
import type { EngineContext } from "../engine/engine.ts";
import type { Books } from "../eviction/books.ts";
import type { Tenants } from "../eviction/evictions.ts";
import type { RowPool } from "../eviction/row-pool.ts";
import type { Vectors } from "../eviction/vectors.ts";
import type { Shares } from "../eviction/shares.ts";
import type { CheckedSession } from "../options/index.ts";
import { refuseSnapshot, type SavedCache } from "./file.ts";

/** The parts of a cache that can be written down, and go on from what was written. */
export interface CacheParts {
  readonly books: Books;
  readonly pool: RowPool | null;
  readonly tenants: Tenants | null;
  readonly shares: Shares | null;
  readonly vectors: Vectors | null;
  readonly context: EngineContext;
  /** Slots per lane that it was made with, on average. */
  readonly slots: number;
  readonly peak: number;
  /** Goes on with what was put into books, rows and ids. */
  resumed(peak: number): void;
}

/** What a cache goes on from, K and V aside: the header's part, and bytes. */
export function saveCache(parts: CacheParts): { cache: SavedCache; bytes: Uint8Array<ArrayBuffer> } {
  const { books, pool, tenants, shares, slots, peak } = parts;
  const budgets = books.groups.map(({ budget }) => budget);
  const queries = parts.vectors?.queries;
  const bytes = books.groups.map(({ core }) => {
    core.liveList(); // tidies the core's lists: what restores this makes the same call, and ends with the same bytes
    return core.snapshot();
  });
  const cache = { slots, peak, since: shares?.since ?? 0, budgets, books: bytes.map(({ length }) => length) };
  if (pool) bytes.push(new Uint8Array(pool.save().buffer));
  if (queries) bytes.push(queries.save());
  if (tenants) bytes.push(new Uint8Array(tenants.ids.slice().buffer));
  const all = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    all.set(part, at);
    at += part.length;
  }
  return { cache: { ...cache, ids: tenants !== null }, bytes: all };
}

/**
 * Fills a new cache from what saveCache gave.
 * @param body its bytes one behind the other, and K and V, which are not looked at
 * @returns how many bytes were read
 * @throws RangeError where they contradict themselves or the session's options
 */
export function loadCache(
  parts: CacheParts,
  { kvHeads, vocab }: ModelConfig,
  options: CheckedSession,
  { saved, body }: { saved: SavedCache; body: Uint8Array },
): number {
  const { books, pool, tenants, shares } = parts;
  let at = 0;
  const take = (bytes: number) => {
    if (at + bytes > body.length) refuseSnapshot(`its books must be at least ${at + bytes} bytes`, body.length);
    return body.subarray(at, at += bytes);
  };
  checkBudgets(parts, kvHeads, saved);
  const full = options.policy === "full";
  const [{ core: first }] = books.groups;
  books.groups.forEach((group, i) => {
    const { core } = group;
    group.budget = saved.budgets[i];
    core.restore(take(saved.books[i]));
    const grows = full || options.evict === "prompt";
    const most = grows ? core.capacity : Math.min(group.budget, core.capacity - options.spare);
    if (core.live > most) refuseSnapshot(`at most ${most} tokens may be live in a lane`, core.live);
    if (core.seen !== first.seen || core.clock !== first.clock || core.pending > 0) {
      refuseSnapshot("all lanes must have seen the same tokens", `${core.seen} and ${first.seen}`);
    }
    const { capacity, live, seen, positions } = core;
    const inOrder = live === seen && positions.every((position, i) => position < 0 || position === i % capacity);
    if (full && !inOrder) refuseSnapshot("a full cache must hold all tokens in order", "others");
  });
  if (pool) {
    const words = new Uint32Array(take(4 * pool.words).slice().buffer);
    const live: number[][] = [];
    books.forEachLane((_, slots) => live.push([...slots]));
    if (!pool.load(words, live)) refuseSnapshot("every row must be free or one slot's", "some that are not");
  }
  const queries = parts.vectors?.queries;
  if (queries && !queries.load(take(queries.savedBytes))) refuseSnapshot("means of queries must be numbers", "others");
  if (saved.ids) {
    tenants!.ids.set(new Int32Array(take(tenants!.ids.byteLength).slice().buffer));
    if (tenants!.ids.some((id) => id < 0 || id >= vocab)) refuseSnapshot("ids must be the model's", "others");
    tenants!.positions.set(books.positions());
  }
  if (shares) shares.since = saved.since;
  parts.resumed(saved.peak);
  return at;
}

/** Lanes that share a pool may have other budgets than at the start, but no more in all. @throws RangeError */
function checkBudgets(
  { books: { groups }, pool, shares }: CacheParts,
  kvHeads: number,
  { budgets, books }: SavedCache,
): void {
  if (budgets.length !== groups.length || books.length !== groups.length) {
    refuseSnapshot(`there must be budgets and books of ${groups.length} groups of lanes`, budgets.length);
  }
  const apiece = pool ? kvHeads : 1; // groups that share rows: a layer's lanes
  for (let i = 0; i < groups.length; i += apiece) {
    const sum = (budgets: readonly number[]) => budgets.slice(i, i + apiece).reduce((sum, budget) => sum + budget, 0);
    const total = sum(groups.map(({ budget }) => budget));
    const { least, most } = shares?.bounds ?? { least: 0, most: Infinity };
    const wrong = budgets.slice(i, i + apiece).find((budget) => budget < least || budget > most);
    if (wrong !== undefined) refuseSnapshot(`a lane's budget must be from ${least} to ${most}`, wrong);
    if (sum(budgets) !== total) refuseSnapshot(`budgets must add up to ${total}`, sum(budgets));
  }
}
