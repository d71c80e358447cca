/** One file out of a wheel, which is a zip archive: stored or deflated, below 4 GiB. */
import { host, readRange } from "../../host/here.ts";
import { words } from "../../errors.ts";
import { refuseFile } from "../checks.ts";

const END = 0x06054b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50; // signatures
const SLICE = 1 << 20; // bytes read at once

/**
 * The bytes of a file in an archive, piece by piece.
 * @param archive a path
 * @param most bytes: the archive's word for the file's length is not believed beyond
 * @throws Error in one sentence for an archive that is damaged or has no such file
 */
export async function* unzip(
  archive: string,
  name: string,
  most: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { size } = await host!.stat(archive);
  function damaged(why: string): never {
    refuseFile(`${archive} must be a zip archive`, words(why));
  }
  const view = async (begin: number, bytes: number) => {
    if (begin < 0 || begin + bytes > size) damaged(`an end at ${size} bytes`);
    return new DataView((await readRange(archive, begin, begin + bytes)).buffer);
  };
  // The end record is the last thing but for a comment of up to 65535 bytes.
  const tailBytes = Math.min(size, 22 + 65535);
  const tail = await view(size - tailBytes, tailBytes);
  let end = tailBytes - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) damaged("no list of files");
  const list = await view(tail.getUint32(end + 16, true), tail.getUint32(end + 12, true));
  for (let at = 0; at + 46 <= list.byteLength;) {
    if (list.getUint32(at, true) !== ENTRY) damaged("a damaged list of files");
    const nameBytes = list.getUint16(at + 28, true);
    const text = new TextDecoder().decode(
      new Uint8Array(list.buffer, at + 46, Math.min(nameBytes, list.byteLength - at - 46)),
    );
    if (text === name) {
      const method = list.getUint16(at + 10, true), packed = list.getUint32(at + 20, true);
      if (list.getUint32(at + 24, true) > most) damaged(`${name} of more than ${most} bytes`);
      if (method !== 0 && method !== 8) damaged(`compression ${method}`);
      const local = list.getUint32(at + 42, true);
      const head = await view(local, 30);
      if (head.getUint32(0, true) !== LOCAL) damaged("a damaged file header");
      const begin = local + 30 + head.getUint16(26, true) + head.getUint16(28, true);
      return yield* method === 0 ? slices(archive, begin, packed) : inflated(archive, begin, packed, damaged);
    }
    at += 46 + nameBytes + list.getUint16(at + 30, true) + list.getUint16(at + 32, true);
  }
  refuseFile(`${archive} must hold ${name}`, words("none"));
}

async function* slices(archive: string, begin: number, bytes: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (let at = begin; at < begin + bytes; at += SLICE) {
    yield await readRange(archive, at, Math.min(begin + bytes, at + SLICE));
  }
}

async function* inflated(archive: string, begin: number, bytes: number, damaged: (why: string) => never) {
  const from = slices(archive, begin, bytes);
  const packed = new ReadableStream<BufferSource>({
    pull: async (controller) => {
      const { value } = await from.next();
      value ? controller.enqueue(value) : controller.close();
    },
  });
  const reader = packed.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (;;) {
      const piece = await reader.read().catch((error) => damaged(String(error)));
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
