/**
 * What a session has on the GPU and in the books: made when its size is known, larger where a full cache outgrows it, smaller
 * where the GPU refuses, and given back when no step needs it any more.
 */
import { guarded } from "../gpu/device.ts";
import type { LoadedModel } from "../model/loaded.ts";
import {
  type CheckedSession,
  checkPins,
  checkRoom,
  checkSpan,
  type SessionOptions,
  type Span,
} from "../options/index.ts";
import { mostHeld } from "../eviction/pins.ts";
import { planSession } from "../memory/plan.ts";
import { Recorder } from "../recording/recorder.ts";
import { smallerBudget } from "../memory/shrink.ts";
import { growInto } from "../gpu/slots.ts";
import { copyOptions } from "../options/kept.ts";
import { createStepper, type Stepper, type Wanted } from "./step.ts";

/** What a generation begins with. */
export interface Reading {
  readonly ids: readonly number[];
  /** Whether everything is to be forgotten before. */
  readonly anew: boolean;
  /** How many tokens from the beginning of the text are never to be evicted. */
  readonly pinned: number;
  /** Ids that end the text. */
  readonly ends: readonly number[];
}

export class Context {
  readonly model: LoadedModel;
  /** As the session was asked for; a budget is what became of it. */
  readonly asked: SessionOptions;
  /** The options in force, defaults filled in. A budget that waits for the first prompt is 0 until then. */
  options: CheckedSession;
  /** Null: a full cache not yet sized, or given back. */
  stepper: Stepper | null = null;
  /** Tokens of the prompt that the cache was sized by. */
  promptTokens: number | null = null;
  /** What was pinned beyond the options' spans: the prompt, and what `pin` was asked for. */
  pins: Span[] = [];
  /** Whether a generation, or what else needs everything to stay as it is, is under way. */
  busy = false;
  readonly #recorder: Recorder | null;
  readonly #onRelease: () => void;
  #made: Promise<GPUError | null> = Promise.resolve(null); // settles with what the GPU said to the last allocation
  #refusal = ""; // what it said where it refused
  #inUse = false; // work on the GPU is under way: its buffers must stay
  #disposed = false;

  /**
   * @param promptTokens see planSession
   * @param onRelease hears of the end, before the buffers are given back
   * @throws RangeError for options out of range
   */
  constructor(model: LoadedModel, asked: SessionOptions, promptTokens: number | null, onRelease: () => void) {
    this.model = model;
    this.options = planSession(model, asked, promptTokens);
    this.asked = { ...copyOptions(asked), kv: this.options.kv };
    const { policy, budget, record } = this.options;
    if (asked.budget === undefined && policy !== "full") this.asked.budget = budget; // which memory may have decided
    this.promptTokens = promptTokens;
    this.#recorder = record && new Recorder(record);
    this.#onRelease = onRelease;
  }

  /** Tokens taken in so far. */
  get seen(): number {
    return this.stepper?.books.seen ?? 0;
  }

  /** @throws Error where nothing may begin now */
  checkUsable(action = "generate"): void {
    if (this.#disposed) throw new Error(`Cannot ${action}: the session must not be disposed, got a disposed one`);
    if (this.busy) throw new Error(`Cannot ${action}: one generation at a time on a session, got a second use`);
    if (this.model.gpu.failure) throw new Error(`Cannot ${action}: ${this.model.gpu.failure}`);
  }

  /** The options that a reading would have. @throws RangeError as planSession does */
  optionsFor({ ids }: Reading): CheckedSession {
    return this.stepper ? this.options : planSession(this.model, this.asked, ids.length);
  }

  /** @returns tokens of the prompt to be read at once @throws RangeError where there is no room for it */
  roomFor({ ids, anew, pinned }: Reading, options: CheckedSession, maxNewTokens: number): number {
    const seen = anew ? 0 : this.seen;
    const spans = anew ? [...options.pin] : [...options.pin, ...this.pins];
    if (pinned > 0) spans.push([0, pinned]);
    const held = mostHeld(anew ? undefined : this.stepper?.books, options.sinks, spans);
    return checkRoom(options, seen, ids.length, spans, maxNewTokens, held, this.asked.stride !== undefined);
  }

  /** As Session.pin. @throws RangeError as it does */
  pinChecked(from: number, to: number): void {
    const span = checkSpan("pin", "the span", [from, to]);
    const spans = [...this.options.pin, ...this.pins, span];
    checkPins(this.options, this.seen, spans, mostHeld(this.stepper?.books, this.options.sinks, spans));
    this.pin(span);
  }

  pin(span: Span): void {
    const last = this.pins.at(-1);
    if (last?.[1] === span[0]) this.pins[this.pins.length - 1] = [last[0], span[1]]; // as a prompt's chunks do
    else this.pins.push(span);
    this.stepper?.books.pin(...span);
    if (this.stepper) this.#recorder?.pin(span);
  }

  /**
   * Makes the cache. @param slots of a full cache, otherwise the budget @param ids see createStepper
   * @throws RangeError where it is larger than the adapter, or the memory, allows
   */
  allocate(slots = this.options.budget, ids = false): void {
    const { made, refused } = this.#make(this.options.policy === "full" ? slots : slots + this.options.stride, ids);
    this.stepper = made;
    this.#made = refused;
  }

  #make(capacity: number, ids = false) {
    return guarded(this.model.gpu, () => {
      const stepper = createStepper(this.model, this.options, capacity, false, { recorder: this.#recorder, ids });
      for (const span of this.pins) {
        stepper.books.pin(...span);
        this.#recorder?.pin(span);
      }
      return stepper;
    });
  }

  /** A cache for `promptTokens` more and what is generated: sized where it waited for the prompt, and confirmed by the GPU. */
  async prepare(promptTokens: number, maxNewTokens: number): Promise<Stepper> {
    const { policy, budget } = this.options;
    if (!this.stepper && budget > 0) this.allocate();
    const needed = this.seen + promptTokens + maxNewTokens;
    if (policy === "full" && budget === 0 && (this.stepper?.cache.capacity ?? 0) < needed) await this.#grow(needed);
    while (!await this.#confirmed()) this.#shrink();
    if (this.#disposed) this.checkUsable();
    return this.stepper!;
  }

  /** Makes a full cache, or makes it larger; where the GPU refuses, it stays as it was. */
  async #grow(slots: number): Promise<void> {
    const before = this.stepper;
    const { made, refused } = this.#make(slots);
    const failure = await refused;
    if (failure || this.#disposed) {
      made.release();
      if (this.#disposed) this.checkUsable();
      throw new Error(`Cannot generate: the GPU must hold ${slots} slots per lane, got: ${failure?.message}`);
    }
    if (before) growInto(this.model.gpu, this.model, before, made);
    before?.release();
    this.stepper = made;
    this.#made = Promise.resolve(null);
  }

  /** Whether the GPU gave the cache its memory. */
  async #confirmed(): Promise<boolean> {
    const failure = await this.#made;
    if (failure === null || this.#disposed) return true;
    this.#refusal = failure.message;
    return false;
  }

  /** Goes on with less than the GPU refused, before anything is read. @throws where that is forbidden, or nothing less would do */
  #shrink(): void {
    const before = this.options;
    if (this.seen > 0) throw new Error(`Cannot generate: the GPU must hold the cache, got: ${this.#refusal}`);
    const asked = smallerBudget(this.model, this.asked, before, this.#refusal, this.promptTokens);
    this.stepper?.release();
    this.stepper = null;
    this.asked.budget = asked.budget;
    this.options = planSession(this.model, asked, this.promptTokens);
    before.onWarning(`the GPU refused memory for a budget of ${before.budget} slots, trying ${asked.budget}`);
    this.allocate();
  }

  /** Waits for the GPU to confirm the cache's memory. @throws Error where it refused */
  async confirm(): Promise<void> {
    const kvBytes = this.stepper?.cache.kvBytes;
    const failure = await this.#made;
    if (!failure) return;
    throw new Error(`Cannot create session: the GPU must hold ${kvBytes} bytes of cache, got: ${failure.message}`);
  }

  /** A step that ends with a clear error where the session was disposed of meanwhile. */
  async step(stepper: Stepper, ids: readonly number[], begin: number, count: number, wanted: Wanted): Promise<number> {
    if (this.#disposed) this.checkUsable();
    this.#inUse = true;
    try {
      return await stepper.step(ids, begin, count, wanted);
    } catch (error) {
      if (this.#disposed) this.checkUsable();
      throw error;
    } finally {
      this.#used();
    }
  }

  /** Does what needs everything to stay as it is. @throws Error where something else is under way, or the books are no good */
  async still<T>(action: string, work: () => Promise<T>): Promise<T> {
    this.checkUsable(action);
    if (this.stepper?.fault) throw this.stepper.fault;
    this.busy = this.#inUse = true;
    try {
      await this.confirm();
      return await work();
    } finally {
      this.busy = false;
      this.#used();
    }
  }

  #used(): void {
    this.#inUse = false;
    if (this.#disposed) this.#release();
  }

  /** Forgets everything seen; buffers stay. */
  forget(): void {
    this.stepper?.reset();
    this.pins = [];
  }

  /** Gives every buffer back, once what is under way on the GPU has ended; again: nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (!this.#inUse) this.#release();
  }

  #release(): void {
    this.#onRelease();
    this.stepper?.release();
    this.stepper = null;
    this.#recorder?.end();
  }
}
