/** The cache of a session: made when its size is known, made larger where what stays outgrows it, and given back. */
import { quote, refuse } from "../errors.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession, Span } from "../options/index.ts";
import type { Telling } from "../options/telling.ts";
import type { Recorder } from "../recording/recorder.ts";
import { Stepper } from "./stepper.ts";

/** What a cache is made under. */
export interface CachePlan {
  readonly options: CheckedSession;
  /** Slots of a lane, on average. */
  readonly slots: number;
  /** Positions that are pinned besides the options' spans. */
  readonly pins: readonly Span[];
  /** Whether ids of live tokens are kept though nobody asks yet. */
  readonly ids?: boolean;
}

/** Holds one stepper, or none. */
export class SessionCache {
  readonly #model: LoadedModel;
  readonly #recorder: Recorder | null;
  readonly #telling: Telling;
  #stepper: Stepper | null = null;
  #refused: Promise<{ readonly message: string } | null> = Promise.resolve(null); // what the engine says of it

  /**
   * @param recorder writes down what is read, where somebody wants that
   * @param telling keeps what those who listen throw
   */
  constructor(model: LoadedModel, recorder: Recorder | null, telling: Telling) {
    this.#model = model;
    this.#recorder = recorder;
    this.#telling = telling;
  }

  /** Null: not yet sized, or given back. */
  get stepper(): Stepper | null {
    return this.#stepper;
  }

  /** Makes the cache; whether the engine has the memory is heard later. @throws RangeError where it is too large */
  allocate(plan: CachePlan): void {
    const { made, refused } = this.#make(plan);
    this.#stepper = made;
    this.#refused = refused;
  }

  #make({ options, slots, pins, ids = false }: CachePlan) {
    return this.#model.engine.guarded(() => {
      const stepper = new Stepper(this.#model, options, {
        slots,
        recorder: this.#recorder,
        telling: this.#telling,
        ids,
      });
      for (const span of pins) this.#pin(stepper, span);
      return stepper;
    });
  }

  #pin(stepper: Stepper, span: Span): void {
    stepper.books.pin(...span);
    this.#recorder?.pin(span);
  }

  /** Pins tokens that are there, and that come. */
  pin(span: Span): void {
    if (this.#stepper) this.#pin(this.#stepper, span);
  }

  /** What the engine said where it refused the memory of the last allocation; null where it did not. */
  async refusal(): Promise<string | null> {
    const refused = await this.#refused;
    return refused?.message ?? null;
  }

  /**
   * Makes a cache that waited, or makes it larger; where the engine refuses, it stays as it was.
   * @param check throws where the session was disposed of meanwhile
   */
  async grow(plan: CachePlan, check: () => void): Promise<void> {
    const before = this.#stepper;
    const { made, refused } = this.#make(plan);
    try {
      const failure = await refused;
      check();
      if (failure) {
        const rule = `the device must hold ${plan.slots} slots per lane`;
        refuse("generate", rule, quote(failure), { kind: "plain", code: "no-memory" });
      }
    } catch (error) {
      made.release();
      throw error;
    }
    if (before) made.growFrom(before);
    before?.release();
    this.#stepper = made;
    this.#refused = Promise.resolve(null);
  }

  /** Gives everything back; again: nothing. */
  release(): void {
    this.#stepper?.release();
    this.#stepper = null;
  }
}
