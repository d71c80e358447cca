/** Pieces of text as a stream. */

/**
 * Pieces are made when they are read, none ahead.
 * @param begin makes them; the signal ends that
 * @param given the caller's own signal
 */
export function streamOf(
  begin: (signal: AbortSignal) => AsyncGenerator<string, void, void>,
  given: AbortSignal | null,
): ReadableStream<string> {
  const stopper = new AbortController();
  const pieces = begin(given ? AbortSignal.any([given, stopper.signal]) : stopper.signal);
  return new ReadableStream<string>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      stopper.abort(reason);
      await pieces.return();
    },
  }, { highWaterMark: 0 });
}
