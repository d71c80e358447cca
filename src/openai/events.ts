/** Answers that come piece by piece, as server-sent events. */
import { isFailure, requestErrorOf } from "./refusals.ts";

const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no" };

/**
 * An answer of chunks. What is wrong before the first of them is thrown; behind it, it is told as an event.
 * @param signal of who asks @param onFailure hears of what failed that must not @param closed whether who went away has closed what
 *   the events would come through, so that an error in it would be told to nobody but the log
 */
export async function eventsOf(
  chunks: AsyncGenerator<object, void, void>,
  { signal, onFailure, closed = false }: {
    signal: AbortSignal;
    onFailure: (error: unknown) => void;
    closed?: boolean;
  },
): Promise<Response> {
  const encoder = new TextEncoder();
  const event = (data: unknown) =>
    encoder.encode(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  const hear = (error: unknown) => {
    const isGone = signal.aborted && error === signal.reason;
    if (!isGone && isFailure(error)) onFailure(error);
  };
  let left = false; // what it would come through is closed
  let next: IteratorResult<object, void> | null = await chunks.next();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      let data: unknown, ends = true;
      try {
        const { value, done } = next ?? await chunks.next();
        next = null;
        [data, ends] = [done ? "[DONE]" : value, done === true];
      } catch (error) {
        hear(error);
        if (signal.aborted && !left) return closed ? controller.close() : controller.error(signal.reason);
        data = requestErrorOf(error).body;
      }
      if (left) return;
      controller.enqueue(event(data));
      if (ends) controller.close();
    },
    async cancel() {
      left = true;
      await chunks.return().catch(hear);
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: HEADERS });
}
