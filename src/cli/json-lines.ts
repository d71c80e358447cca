/** Lines of a stream of bytes. */

/** Whole lines, without their ends; what is torn at the end is dropped. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let torn = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const lines = (torn + decoder.decode(bytes, { stream: true })).split("\n");
    torn = lines.pop()!;
    yield* lines;
  }
}
