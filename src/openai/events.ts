/** Answers that come piece by piece, as server-sent events. */
import { isFailure, requestErrorOf } from "./refusals.ts";

const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no" };

/**
 * An answer of chunks. What is wrong before the first of them is thrown; behind it, it is told as an event.
 * @param signal of who asks @param onFailure hears of what failed that must not
 */
export async function eventsOf(
  chunks: AsyncGenerator<object, void, void>,
  { signal, onFailure }: { signal: AbortSignal; onFailure: (error: unknown) => void },
): Promise<Response> {
  const encoder = new TextEncoder();
  const event = (data: unknown) =>
    encoder.encode(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  let next: IteratorResult<object, void> | null = await chunks.next();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = next ?? await chunks.next();
        next = null;
        controller.enqueue(event(done ? "[DONE]" : value));
        if (done) controller.close();
      } catch (error) {
        if (signal.aborted) return controller.error(signal.reason); // nobody hears it
        if (isFailure(error)) onFailure(error);
        controller.enqueue(event(requestErrorOf(error).body));
        controller.close();
      }
    },
    async cancel() {
      try {
        await chunks.return();
      } catch (error) {
        if (isFailure(error)) onFailure(error); // who asked hears nothing any more
      }
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: HEADERS });
}
