/** Lines of a stream of bytes. */

/** Whole lines, without their ends; what is torn at the end is dropped. */
export async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void, void> {
  let torn = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (torn + text).split("\n");
    torn = lines.pop()!;
    yield* lines;
  }
}
