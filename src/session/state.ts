/** All that a session is between two steps, in one place: what it was asked for, what it has seen, and what is under way. */
import type { Tokens, Wanted } from "../engine/engine.ts";
import { refuseFailed } from "../engine/failure.ts";
import { quote, refuse, words } from "../errors.ts";
import { mostHeld } from "../eviction/pins.ts";
import { slotsOf } from "../memory/fit.ts";
import { grown, slotsFor } from "../memory/grown.ts";
import { planSession } from "../memory/plan.ts";
import { smallerBudget } from "../memory/shrink.ts";
import type { ChatMessage } from "../chat/template.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkPins, checkRoom, checkSpan } from "../options/index.ts";
import type { CheckedGenerate, CheckedSession, Protection, SessionOptions, Span } from "../options/index.ts";
import { copyOptions, keptOptions } from "../options/kept.ts";
import { given } from "../options/row.ts";
import { Telling } from "../options/telling.ts";
import { Recorder } from "../recording/recorder.ts";
import { refuseSnapshot, type SavedSession } from "../snapshot/file.ts";
import { SessionCache } from "./cache.ts";
import { type Counts, newCounts } from "./report.ts";
import { type Begun, begunOf, type Plan, type Reading } from "./reading.ts";
import { protectedBy } from "./protect.ts";
import { Recent } from "./penalties.ts";
import { Random } from "./random.ts";
import type { Stepper } from "./stepper.ts";
import type { Member } from "./together.ts";

/** The one owner of a session's state. */
export class SessionState {
  readonly model: LoadedModel;
  readonly telling = new Telling(); // keeps what the caller's functions throw while something is under way
  member: Member | null = null; // of a batch
  #asked: SessionOptions; // as the session was asked for; a budget is what became of it
  readonly #recorder: Recorder | null;
  readonly #cache: SessionCache;
  readonly #onRelease: () => void;
  #options: CheckedSession;
  #promptTokens: number | null; // of the prompt that the cache was sized by
  #pins: Span[] = []; // beyond the options' spans: the prompt, and what `pin` was asked for
  #pending: number | null = null;
  /** What draws go on from: random numbers, and the last tokens. */
  readonly random = new Random(0);
  readonly recent = new Recent();
  /** What has been heard and answered, where that is a conversation. */
  conversation: readonly ChatMessage[] | null = null;
  /** What was read, where that is a beginning and nothing else. */
  begun: Begun | null = null;
  /** Numbers of the last generation, or of the one that is running, which counts in it. */
  counts: Counts = newCounts();
  #busy = false; // a generation, or what else needs everything to stay as it is, is under way
  #inUse = false; // the engine is at work: its memory must stay
  #disposed = false;

  /**
   * @param promptTokens see planSession
   * @param onRelease hears of the end, before memory is given back
   * @throws RangeError for options out of range
   */
  constructor(model: LoadedModel, options: SessionOptions, promptTokens: number | null, onRelease: () => void) {
    const asked = given(options);
    this.model = model;
    this.#options = planSession(model, asked, promptTokens);
    this.#asked = { ...given(copyOptions(asked)), kv: this.#options.kv };
    const { policy, budget, record } = this.#options;
    if (asked.budget === undefined && policy !== "full") this.#asked.budget = budget; // which memory may have decided
    this.#promptTokens = promptTokens;
    this.#recorder = record && new Recorder(record, this.telling);
    this.#cache = new SessionCache(model, this.#recorder, this.telling);
    this.#onRelease = onRelease;
  }

  // ---- what it is -------------------------------------------------------------------------------------------------

  /** As the session was asked for. */
  get asked(): SessionOptions {
    return this.#asked;
  }

  /** The options in force, defaults filled in. A budget that waits for the first prompt is 0 until then. */
  get options(): CheckedSession {
    return this.#options;
  }

  /** Null: a full cache not yet sized, or given back. */
  get stepper(): Stepper | null {
    return this.#cache.stepper;
  }

  /** Tokens taken in so far. */
  get seen(): number {
    return this.stepper?.books.seen ?? 0;
  }

  /** The last id generated, not yet taken in. */
  get pending(): number | null {
    return this.#pending;
  }

  /** @throws Error where nothing may begin now */
  checkUsable(action = "generate"): void {
    const refuseState = (rule: string, found: string) =>
      refuse(action, rule, words(found), { kind: "plain", code: "wrong-state" });
    if (this.#disposed) refuseState("the session must not be disposed", "a disposed one");
    if (this.#busy) refuseState("one generation at a time on a session", "a second use");
    const { failure } = this.model.engine;
    if (failure) refuseFailed(action, failure);
  }

  #checkNotDisposed(): void {
    if (this.#disposed) this.checkUsable();
  }

  // ---- what it holds -----------------------------------------------------------------------------------------------

  /** @throws RangeError where the cache is larger than the adapter, or the memory, allows; what a recording's sink throws */
  allocate(): void {
    if (this.#options.budget > 0 && !grown(this.#options)) this.#allocate();
    if (this.telling.failed) this.#cache.release();
    this.telling.rethrow();
  }

  #allocate(slots = slotsOf(this.#options), ids = false): void {
    this.#cache.allocate({ options: this.#options, slots, pins: this.#pins, ids });
  }

  /** Waits for the engine to confirm the cache's memory. @throws Error where it refused */
  async confirm(): Promise<void> {
    const bytes = this.stepper?.memory.kv;
    const refusal = await this.#cache.refusal();
    if (refusal === null) return;
    const rule = `the device must hold ${bytes} bytes of cache`;
    refuse("create session", rule, quote(refusal), { kind: "plain", code: "no-memory" });
  }

  /** A cache for a prompt and what is generated: sized where it waited for the prompt, and confirmed by the engine. */
  async prepare({ reading, evicts }: Plan, maxNewTokens: number): Promise<Stepper> {
    if (!this.stepper) this.allocate();
    const coming = { prompt: reading.ids.length - reading.begun, maxNewTokens, evicts };
    const slots = slotsFor(this.#options, coming, this.stepper ?? undefined);
    if ((this.stepper?.slots ?? 0) < slots) {
      const plan = { options: this.#options, slots, pins: this.#pins };
      await this.#cache.grow(plan, () => this.#checkNotDisposed());
    }
    while (true) {
      const refusal = await this.#cache.refusal();
      this.#checkNotDisposed();
      if (refusal === null) return this.stepper!;
      this.#shrink(refusal);
    }
  }

  /** Goes on with less than the GPU refused, before anything is read. @throws where that is forbidden, or nothing less would do */
  #shrink(refusal: string): void {
    const options = this.#options;
    const promptTokens = this.#promptTokens;
    if (this.seen > 0) {
      refuse("generate", "the device must hold the cache", quote(refusal), { kind: "plain", code: "no-memory" });
    }
    const asked = smallerBudget(this.model, { asked: this.#asked, options, refusal, promptTokens });
    this.#cache.release();
    this.#asked.budget = asked.budget;
    this.#options = planSession(this.model, asked, promptTokens);
    const line = `the device refused memory for a budget of ${options.budget} slots, trying ${asked.budget}`;
    options.onWarning(line, "memory");
    this.#allocate();
  }

  // ---- what is kept for good ---------------------------------------------------------------------------------------

  /** As Session.pin. @throws RangeError as it does */
  pinChecked(from: number, to: number): void {
    const span = checkSpan("pin", "the span", [from, to]);
    const { sinks, pin } = this.#options;
    const spans = [...pin, ...this.#pins, span];
    checkPins(this.#options, { seen: this.seen, spans, held: mostHeld(this.stepper?.books, sinks, spans) });
    this.pin(span);
    this.telling.rethrow();
  }

  /** As Session.protect. @throws RangeError as it does */
  protect(parts: Protection): void {
    const before = { asked: this.#asked, options: this.#options, promptTokens: this.#promptTokens };
    const { asked, options } = protectedBy(this.model, before, parts);
    const spans = [...options.pin, ...this.#pins];
    const held = mostHeld(this.stepper?.books, options.sinks, spans);
    checkPins(options, { seen: this.seen, spans, held }, "protect");
    this.#asked = asked;
    this.#options = options;
    this.stepper?.protect(options);
  }

  /** Pins a span that has been checked. */
  pin(span: Span): void {
    const last = this.#pins.at(-1);
    if (last?.[1] === span[0]) this.#pins[this.#pins.length - 1] = [last[0], span[1]]; // as a prompt's chunks do
    else this.#pins.push(span);
    this.#cache.pin(span);
  }

  // ---- what it does ------------------------------------------------------------------------------------------------

  /** What a generation that began now would take in, and under which options. @throws as generate does */
  plan(read: () => Reading, maxNewTokens: number): Plan {
    this.checkUsable();
    const reading = read();
    const options = this.stepper ? this.#options : planSession(this.model, this.#asked, reading.ids.length);
    const evicts = options.evict === "always" || reading.anew || this.#pending === null || reading.ids.length !== 1;
    const chunk = this.chunkFor(reading, options, maxNewTokens), begun = begunOf(reading, chunk, this.begun);
    return { reading: { ...reading, anew: reading.anew && begun === 0, begun }, options, evicts, chunk };
  }

  /** @returns tokens of the prompt to be read at once @throws RangeError where there is no room for it */
  chunkFor({ ids, anew, pinned }: Reading, options: CheckedSession, maxNewTokens: number): number {
    const seen = anew ? 0 : this.seen;
    const spans = anew ? [...options.pin] : [...options.pin, ...this.#pins];
    if (pinned > 0) spans.push([0, pinned]);
    const held = mostHeld(anew ? undefined : this.stepper?.books, options.sinks, spans);
    return checkRoom(options, {
      ...{ seen, prompt: ids.length, maxNewTokens: Math.max(1, maxNewTokens), spans, held },
      fixed: this.#asked.stride !== undefined,
    });
  }

  /** A generation begins. @param seed of its draws; null: they go on @param sampling how ids are chosen, in words */
  begin({ reading, options }: Plan, { seed, sampling }: Pick<CheckedGenerate, "seed" | "sampling">): Counts {
    this.#options = options;
    if (reading.anew) this.#forget();
    this.begun = this.conversation = null;
    if (!this.stepper) this.#promptTokens = reading.ids.length;
    if (seed !== null) this.random.seed(seed);
    this.#busy = true;
    this.member?.begin();
    return this.counts = newCounts(sampling);
  }

  /** It has ended, in whatever way. */
  end(): void {
    this.#busy = false;
    this.member?.end();
  }

  /** An id was chosen; it is taken in by the next step. */
  chose(id: number): void {
    this.#pending = id;
  }

  /** A step, as Stepper.step, which ends with a clear error where the session was disposed of meanwhile. */
  async step(tokens: Tokens, wanted: Wanted, evicts = true): Promise<number> {
    this.#checkNotDisposed();
    this.#pending = null;
    this.#inUse = true;
    try {
      const id = await this.stepper!.step(tokens, wanted, evicts, this.member);
      this.recent.take(tokens);
      return id;
    } catch (error) {
      this.#checkNotDisposed();
      throw error;
    } finally {
      this.#used();
    }
  }

  /** Does what needs everything to stay as it is. @throws Error where something else is under way, or the books are no good */
  async still<T>(action: string, work: () => Promise<T>): Promise<T> {
    this.checkUsable(action);
    if (this.stepper?.fault) throw this.stepper.fault;
    this.#busy = this.#inUse = true;
    try {
      await this.confirm();
      return await work();
    } finally {
      this.#busy = false;
      this.#used();
    }
  }

  #used(): void {
    this.#inUse = false;
    if (this.#disposed) this.#release();
  }

  // ---- going on, forgetting, ending ----------------------------------------------------------------------------------

  /** What a snapshot holds of it, its cache aside. */
  save(): Omit<SavedSession, "context"> {
    return {
      asked: keptOptions(this.#asked),
      ownScore: typeof this.#asked.score === "function",
      promptTokens: this.#promptTokens,
      pins: this.#pins,
      pending: this.#pending,
      random: [...this.random.state],
      recent: this.recent.list(),
      conversation: this.conversation,
    };
  }

  /** Goes on from what was saved; a cache is made, and still to be filled. */
  takeOver({ context, pins, pending, random, recent, conversation }: SavedSession): void {
    if (context) {
      const { slots } = context;
      const fixed = slotsOf(this.#options);
      const grows = grown(this.#options) && slots > fixed;
      if (slots !== fixed && !grows) refuseSnapshot(`a cache under these options has ${fixed} slots`, slots);
      this.#allocate(slots, context.ids);
    }
    this.#pins = [...pins]; // which the books that are to come have already
    this.#pending = pending;
    this.random.state.set(random);
    this.recent.take({ ids: recent, begin: 0, count: recent.length });
    this.conversation = conversation;
  }

  /** Forgets everything seen; memory stays. @throws what a recording's sink throws, once all is forgotten */
  reset(): void {
    this.#forget();
    this.random.seed(0);
    this.counts = newCounts();
    this.telling.rethrow();
  }

  #forget(): void {
    this.stepper?.reset();
    this.recent.clear();
    this.#pins = [];
    this.#pending = null;
    this.conversation = null;
  }

  /** Gives everything back, once what is under way has ended; again: nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.member?.leave();
    if (!this.#inUse) this.#release();
  }

  #release(): void {
    this.#onRelease();
    this.#cache.release();
    this.#recorder?.end();
    this.telling.rethrow();
  }
}
