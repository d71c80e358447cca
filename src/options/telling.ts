/** Callers' functions that are told of things: what one throws ends no work half way, and is thrown when that is done. */

/** Tells, and keeps what was thrown first. */
export class Telling {
  #thrown: { readonly error: unknown } | null = null;

  /** Whether something was thrown that nobody has heard of. */
  get failed(): boolean {
    return this.#thrown !== null;
  }

  /** Tells one thing, and what there is more to it. @returns whether nothing was thrown */
  tell<T, M>(listener: (told: T, more?: M) => void, told: T, more?: M): boolean {
    try {
      listener(told, more);
      return true;
    } catch (error) {
      this.#thrown ??= { error };
      return false;
    }
  }

  /** @throws what a listener threw first since the last time, as it was */
  rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = null;
    if (thrown) throw thrown.error;
  }
}
