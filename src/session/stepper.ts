/** One step: claim slots, let the engine take tokens in, observe, evict. */
import type { EngineContext, Pass, Tokens, Wanted } from "../engine/engine.ts";
import { refuseFailed } from "../engine/failure.ts";
import { goneWords } from "../engine/remainder.ts";
import { KvcapError } from "../errors.ts";
import { widen } from "../core/widen.ts";
import { Books, type Group } from "../eviction/books.ts";
import { EvictionWatch, Tenants } from "../eviction/evictions.ts";
import { Gone } from "../eviction/gone.ts";
import { stepEvent } from "../eviction/outlook.ts";
import { RowPool } from "../eviction/row-pool.ts";
import { Shares } from "../eviction/shares.ts";
import { Vectors } from "../eviction/vectors.ts";
import { checkMemory } from "../memory/fit.ts";
import { type Memory, type Purpose, sizesOf } from "../memory/sizes.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import { Telling } from "../options/telling.ts";
import { ruleOf } from "../eviction/rule.ts";
import type { Recorder } from "../recording/recorder.ts";
import { refuseLogits, refuseNumbers } from "./numbers.ts";
import type { Member } from "./together.ts";
import { CLAMPED } from "./warnings.ts";

/** Milliseconds spent in steps: all of it, waiting for the engine's answer, and in the Wasm core. */
export interface Clock {
  total: number;
  wait: number;
  wasm: number;
}

/** What a stepper is made for. */
export interface StepperOptions extends Purpose {
  /** Slots per lane, on average: the budget, and what a step takes in on top. */
  readonly slots: number;
  /** Writes down the attention of every step. */
  readonly recorder?: Recorder | null;
  /** Keeps what those who listen throw, until somebody asks for it when all is told. */
  readonly telling?: Telling;
  /** Whether ids of live tokens are kept though nobody asks yet. */
  readonly ids?: boolean;
}

/** Books and cache of one context, stepped together. */
export class Stepper {
  readonly books: Books;
  readonly context: EngineContext;
  readonly clock: Clock = { total: 0, wait: 0, wasm: 0 };
  /** Where lanes differ in budget: their rows, and how these are shared out. */
  readonly pool: RowPool | null;
  readonly shares: Shares | null;
  /** Ids of the live tokens, where somebody asks who was evicted. */
  readonly tenants: Tenants | null;
  /** Keys and values of the live tokens, where the policy reads them. */
  readonly vectors: Vectors | null;
  /** Slots per lane that it was made with, on average. */
  readonly slots: number;
  /** Bytes held by the engine and in the core. */
  readonly memory: Memory;
  readonly #model: LoadedModel;
  #options: CheckedSession;
  readonly #recorder: Recorder | null;
  readonly #telling: Telling;
  readonly #watch: EvictionWatch | null;
  readonly #ranks: Int32Array<ArrayBuffer> | null; // [lanes, capacity]
  readonly #rows: Uint32Array<ArrayBuffer>; // [lanes, stride], where lanes share rows
  readonly #rowsOf: Uint32Array<ArrayBuffer>[] = []; // its beginnings, by tokens
  readonly #gone: Gone | null; // where what is evicted is summed up
  readonly #pass: Pass; // the one under way
  #observes = false; // and whether its attention is wanted
  #logits: Float32Array | null = null; // a copy, for those who listen: an id is still to be drawn
  #clamped = false; // and it was told
  #peak = 0;
  #fault: Error | null = null;

  /** @throws RangeError where the adapter's largest binding or the model's memory is too small; nothing is made then */
  constructor(
    model: LoadedModel,
    options: CheckedSession,
    { slots, recorder = null, telling = new Telling(), ids = false, ...purpose }: StepperOptions,
  ) {
    const { engine, config } = model;
    const { grouping, shape, memory } = sizesOf(model, options, slots, {
      ...purpose,
      records: recorder !== null || options.onStep !== null,
    });
    checkMemory(model, options, { slots, bytes: memory.gpu, every: shape.every });
    this.#model = model;
    this.#options = options;
    this.#recorder = recorder;
    this.#telling = telling;
    this.slots = slots;
    this.vectors = shape.tells ? new Vectors({ ...config, ...shape, width: shape.capacity }) : null;
    const places = { home: engine.home ?? null, vectors: this.vectors };
    this.books = new Books(grouping.shapes, options, (part) => ruleOf(options, part), places);
    const { onEvict, onStep } = options;
    const watched = onEvict !== null || onStep !== null;
    this.tenants = watched || recorder || ids ? new Tenants(this.books) : null;
    this.#watch = watched ? new EvictionWatch(this.books, this.tenants!, config.kvHeads) : null;
    recorder?.begin(config, options);
    try {
      this.context = engine.context(shape);
    } catch (error) {
      this.books.release();
      throw error;
    }
    this.memory = { ...memory, wasm: this.books.bytes + (this.vectors?.bytes ?? 0) };
    const { rows, pooled, capacity, stride, ranked } = shape;
    this.pool = pooled ? new RowPool(rows, config.kvHeads, capacity) : null;
    this.shares = pooled ? new Shares(this.books, config.kvHeads, options) : null;
    this.#ranks = ranked ? new Int32Array(this.books.lanes * capacity) : null;
    this.#gone = shape.remainders > 0 ? new Gone(goneWords(config, shape)) : null;
    this.#rows = new Uint32Array(pooled ? this.books.lanes * stride : 0);
    const observations = () => this.#observes ? this.books.rows : null; // anew: memory may grow while a pass waits for others
    this.#pass = {
      get observations() {
        return observations();
      },
      ...{ ids: [], begin: 0, count: 0, slots: new Uint32Array(0), rows: null, first: 0, firstRank: 0, extent: 0 },
      ...{ reused: false, wanted: "nothing", told: null, queries: null },
    };
    this.#place();
  }

  /** Most live slots per lane, on average over the lanes, that any step has seen, its own tokens included. */
  get peak(): number {
    return this.#peak;
  }

  /** How many tokens can be taken in before one must go. */
  get room(): number {
    return Math.min(...this.books.groups.map(({ core }) => core.capacity - core.live), this.pool?.room ?? Infinity);
  }

  /** Why these books can no longer be trusted. */
  get fault(): Error | null {
    return this.#fault;
  }

  /**
   * Takes tokens in, at most the session's stride, and evicts back to the budget. What a listener throws is kept (`telling`).
   * @param evicts false: nothing goes, though the budget is exceeded @param batch whom it steps with
   * @returns the greedy id where an id is wanted
   * @throws Error when the device fails; the context is then lost
   */
  async step(tokens: Tokens, wanted: Wanted, evicts = true, batch: Member | null = null): Promise<number> {
    const id = await this.take(tokens, wanted, this.#counts(tokens.count), batch);
    this.#taken(id, tokens, wanted, evicts);
    return id;
  }

  /** Whether the attention of a pass of so many tokens counts. */
  #counts(tokens: number): boolean {
    if (this.#options.countFrom === "start") return true;
    const { groups } = this.books;
    for (let i = 0; i < groups.length; i++) if (groups[i].core.live + tokens > groups[i].budget) return true;
    return false;
  }

  /** Evicts back to the budget, and tells those who listen. Asynchronous functions are short: what they name is allocated at every call. */
  #taken(id: number, tokens: Tokens, wanted: Wanted, evicts: boolean): void {
    if (
      wanted !== "nothing" && (id >= this.#model.config.vocab || wanted === "losses" && !this.#foreseen(tokens.count))
    ) {
      this.#spoiled(refuseLogits);
    }
    const started = performance.now();
    const { books } = this;
    this.#recorder?.pass(books, tokens);
    this.shares?.taken(tokens.count);
    for (let i = 0; i < books.groups.length; i++) {
      const group = books.groups[i];
      const n = evicts && this.#options.policy !== "full" ? Math.max(0, group.core.live - group.budget) : 0;
      if (n > 0) this.#watch?.choosing(group, i);
      this.evict(group, n);
    }
    if (this.#gone?.fill(books)) this.context.fold(this.#gone.words);
    const ms = performance.now() - started;
    this.clock.wasm += ms;
    this.clock.total += ms;
    this.#recorder?.evicted(books, this.tenants!);
    this.#tell(tokens, wanted);
  }

  /** Whether the losses of a pass are numbers. */
  #foreseen(count: number): boolean {
    for (let t = 0; t < count; t++) if (!Number.isFinite(this.context.losses[t])) return false;
    return true;
  }

  /** Tells those who listen of the step that is done, and once that numbers were too large for f16. */
  #tell(tokens: Tokens, wanted: Wanted): void {
    const { onEvict, onStep, onWarning } = this.#options;
    if (this.context.clamped && !this.#clamped) {
      this.#clamped = true;
      this.#telling.tell((line) => onWarning(line, "use"), CLAMPED);
    }
    if (!this.#watch) return;
    const victims = this.#watch.victims();
    if (onEvict) { for (const victim of victims) this.#telling.tell(onEvict, victim); }
    const { books, context } = this;
    if (onStep) {
      const logits = wanted === "logits" ? this.#logits ??= context.logits.slice() : null;
      logits?.set(context.logits);
      this.#telling.tell(onStep, stepEvent(books, tokens, victims, { logits, observed: this.#observes }));
    }
  }

  /** Chooses who goes by other options from now on, which differ in what they protect alone. */
  protect(options: CheckedSession): void {
    this.#options = options;
    this.books.setRule((part) => ruleOf(options, part));
  }

  /** Evicts `n` tokens from every lane of a group: those that its rule chooses, or those in the slots given, [lanes, n]. */
  evict(group: Group, n: number, chosen?: ArrayLike<number>): void {
    try {
      this.books.evict(group, n, chosen);
    } catch (error) { // a score of the caller's own may throw or give no number
      throw this.#fault = error as Error;
    }
    if (!this.pool) return;
    const { first, victims, freed } = group;
    for (let i = 0; i < victims.length; i++) this.pool.give(first + Math.floor(i / freed), victims[i]);
  }

  /** As step, but evicts nothing. @param observed false: attention is not counted, see Core.claim */
  async take(tokens: Tokens, wanted: Wanted, observed = true, batch: Member | null = null): Promise<number> {
    const started = performance.now();
    this.#begin(tokens, wanted, observed);
    const begun = performance.now();
    const id = await (batch ? batch.pass(this.context, this.#pass) : this.context.pass(this.#pass));
    this.#answered(started, begun, observed);
    return id;
  }

  #begin(tokens: Tokens, wanted: Wanted, observed: boolean): void {
    if (this.#fault) throw this.#fault;
    const { failure } = this.#model.engine; // before a slot is claimed for what will not be taken in
    if (failure) refuseFailed("generate", failure);
    this.#claim(tokens, observed);
    this.#pass.wanted = wanted;
  }

  /** The books learn what the pass under way observed. @param started, begun when it did, and when its slots were claimed */
  #answered(started: number, begun: number, observed: boolean): void {
    const answered = performance.now();
    const { count } = this.#pass;
    this.vectors?.fill(count);
    try {
      if (this.#observes) this.books.observe(count);
      else if (observed) this.books.advance(count);
    } catch (error) {
      const found = error instanceof KvcapError ? error.got : (error as Error).message;
      this.#spoiled(() => refuseNumbers("the model's attention must be probabilities", found));
    }
    const ended = performance.now();
    this.clock.wait += this.context.waited;
    this.clock.wasm += begun - started + (ended - answered);
    this.clock.total += ended - started;
  }

  /** Gives tokens their slots, and fills in the pass that takes them in. */
  #claim(tokens: Tokens, observed: boolean): void {
    const { books, context } = this;
    const pass = this.#pass;
    const { freed } = books;
    pass.first = books.seen;
    pass.firstRank = books.longest;
    const { ids, begin, count } = tokens;
    pass.ids = ids;
    pass.begin = begin;
    pass.count = count;
    pass.slots = books.claim(count, observed);
    pass.extent = books.extent;
    this.#observes = observed && context.shape.observe !== null;
    pass.told = this.vectors && this.vectors.roomFor(pass.slots, count);
    pass.queries = this.vectors?.queries?.told ?? null;
    if (this.pool) {
      pass.rows = this.#rowsOf[count] ??= this.#rows.subarray(0, pass.slots.length);
      this.pool.takeAll(pass.slots, count, pass.rows);
    }
    this.tenants?.claimed(tokens, pass.slots);
    this.#peak = Math.max(this.#peak, books.live);
    // Slots freed and taken again at once are overwritten by this pass; any others must be marked free first.
    pass.reused = freed === count;
    if (freed !== 0 && !pass.reused) this.#place();
  }

  /** Tells the engine which slots hold which positions (and ranks), as the books have it. */
  #place(): void {
    if (this.#ranks) this.books.ranks(this.#ranks);
    this.context.place(this.books.positions(), this.#ranks);
  }

  /** Refuses what leaves books that cannot be trusted. */
  #spoiled(refuse: () => never): never {
    try {
      refuse();
    } catch (error) {
      throw this.#fault = error as Error;
    }
  }

  /**
   * Goes on with books, rows and ids that were put into it from outside, K and V aside.
   * @param peak the most live slots per lane that there were
   */
  resumed(peak: number): void {
    this.#peak = peak;
    this.#place();
    if (this.pool) this.context.placeRows(this.pool.rows);
  }

  /** Takes over all that a smaller context holds, under the same options. */
  growFrom(smaller: Stepper): void {
    this.context.growFrom(smaller.context);
    smaller.books.groups.forEach(({ core, budget }, i) => {
      const group = this.books.groups[i];
      widen(core, group.core, this.books.groups.length > 1 ? 1 : this.#model.config.layers);
      group.budget = budget;
    });
    if (smaller.tenants) this.tenants?.growFrom(smaller.tenants);
    if (smaller.vectors) this.vectors?.growFrom(smaller.vectors);
    if (smaller.pool) this.pool?.growFrom(smaller.pool);
    if (smaller.shares) this.shares!.since = smaller.shares.since;
    Object.assign(this.clock, smaller.clock);
    this.resumed(smaller.peak);
  }

  /** Forgets everything; buffers stay. */
  reset(): void {
    this.books.reset();
    this.vectors?.queries?.reset();
    this.pool?.reset();
    this.shares?.reset();
    this.#recorder?.reset(this.#options.pin);
    if (this.#gone) this.context.forget();
    this.#fault = null;
    this.#peak = 0;
    this.#place();
    Object.assign(this.clock, { total: 0, wait: 0, wasm: 0 });
  }

  /** Gives the memory of context and books back. */
  release(): void {
    this.context.release();
    this.books.release();
  }
}
