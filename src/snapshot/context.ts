/** The host's side of a session's cache as plain data: books, pool and ids; and its K and V, as bytes or copied on the GPU. */
import { uploadPoolRows, uploadSlots } from "../gpu/slots.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import type { Stepper } from "../session/step.ts";
import { type Context, refused } from "./file.ts";

/** What a cache goes on from, K and V aside: the header's part, and bytes. */
export function saveContext(stepper: Stepper): { context: Context; bytes: Uint8Array } {
  const { books, pool, tenants, shares, slots, peak } = stepper;
  const budgets = books.groups.map(({ budget }) => budget);
  const bytes = books.groups.map(({ core }) => {
    core.liveList(); // tidies the core's lists: what restores this makes the same call, and ends with the same bytes
    return core.snapshot();
  });
  const context = { slots, peak, since: shares?.since ?? 0, budgets, books: bytes.map(({ length }) => length) };
  if (pool) bytes.push(new Uint8Array(pool.save().buffer));
  if (tenants) bytes.push(new Uint8Array(tenants.ids.slice().buffer));
  const all = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    all.set(part, at);
    at += part.length;
  }
  return { context: { ...context, ids: tenants !== null }, bytes: all };
}

/**
 * Fills a new stepper from what saveContext gave, and tells the GPU.
 * @param body its bytes one behind the other, and K and V, which are not looked at
 * @returns how many bytes were read
 * @throws RangeError where they contradict themselves or the session's options
 */
export function loadContext(
  { gpu, config }: LoadedModel,
  stepper: Stepper,
  options: CheckedSession,
  context: Context,
  body: Uint8Array,
): number {
  const { books, pool, tenants, shares, cache } = stepper;
  let at = 0;
  const take = (bytes: number) => {
    if (at + bytes > body.length) throw refused(`its books must be at least ${at + bytes} bytes`, body.length);
    return body.subarray(at, at += bytes);
  };
  checkBudgets(stepper, config.kvHeads, context);
  const full = options.policy === "full";
  const [{ core: first }] = books.groups;
  books.groups.forEach((group, i) => {
    const { core } = group;
    group.budget = context.budgets[i];
    core.restore(take(context.books[i]));
    const most = full ? core.capacity : Math.min(group.budget, core.capacity - options.stride);
    if (core.live > most) throw refused(`at most ${most} tokens may be live in a lane`, core.live);
    if (core.seen !== first.seen || core.clock !== first.clock || core.pending > 0) {
      throw refused("all lanes must have seen the same tokens", `${core.seen} and ${first.seen}`);
    }
    const { capacity, live, seen, positions } = core;
    const inOrder = live === seen && positions.every((position, i) => position < 0 || position === i % capacity);
    if (full && !inOrder) throw refused("a full cache must hold all tokens in order", "others");
  });
  if (pool) {
    const words = new Uint32Array(take(4 * pool.words).slice().buffer);
    const live: number[][] = [];
    books.forEachLane((_, slots) => live.push([...slots]));
    if (!pool.load(words, live)) throw refused("every row must be free or one slot's", "some that are not");
  }
  if (context.ids) {
    tenants!.ids.set(new Int32Array(take(tenants!.ids.byteLength).slice().buffer));
    if (tenants!.ids.some((id) => id < 0 || id >= config.vocab)) throw refused("ids must be the model's", "others");
    tenants!.positions.set(books.positions());
  }
  if (shares) shares.since = context.since;
  stepper.peak = context.peak;
  uploadSlots(gpu, books, cache);
  if (pool) uploadPoolRows(gpu, pool, cache);
  return at;
}

/** Lanes that share a pool may have other budgets than at the start, but no more in all. @throws RangeError */
function checkBudgets(
  { books: { groups }, pool, shares }: Stepper,
  kvHeads: number,
  { budgets, books }: Context,
): void {
  if (budgets.length !== groups.length || books.length !== groups.length) {
    throw refused(`there must be budgets and books of ${groups.length} groups of lanes`, budgets.length);
  }
  const apiece = pool ? kvHeads : 1; // groups that share rows: a layer's lanes
  for (let i = 0; i < groups.length; i += apiece) {
    const sum = (budgets: readonly number[]) => budgets.slice(i, i + apiece).reduce((sum, budget) => sum + budget, 0);
    const total = sum(groups.map(({ budget }) => budget));
    const { least, most } = shares?.bounds ?? { least: 0, most: Infinity };
    const wrong = budgets.slice(i, i + apiece).find((budget) => budget < least || budget > most);
    if (wrong !== undefined) throw refused(`a lane's budget must be from ${least} to ${most}`, wrong);
    if (sum(budgets) !== total) throw refused(`budgets must add up to ${total}`, sum(budgets));
  }
}
