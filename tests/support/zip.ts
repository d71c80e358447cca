// A zip archive, made as tests need it: stored or deflated.

export interface Packed {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  deflated?: boolean;
}

/** The bytes of an archive of these files, with a comment of `comment` bytes at its end. */
export async function zip(files: Packed[], comment = 0): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [], list: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  for (const { name, bytes, deflated = false } of files) {
    const packed = deflated
      ? await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"))).bytes()
      : bytes;
    const text = new TextEncoder().encode(name);
    const common = [[20, 2], [0, 2], [deflated ? 8 : 0, 2], [0, 4], [crc32(bytes), 4], [packed.length, 4], [
      bytes.length,
      4,
    ]];
    const local = record([[0x04034b50, 4], ...common, [text.length, 2], [0, 2]]);
    list.push(
      record([[0x02014b50, 4], [20, 2], ...common, [text.length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]),
      text,
    );
    parts.push(local, text, packed);
    at += local.length + text.length + packed.length;
  }
  const bytes = list.reduce((sum, part) => sum + part.length, 0);
  const count = files.length;
  const end = record([[0x06054b50, 4], [0, 4], [count, 2], [count, 2], [bytes, 4], [at, 4], [comment, 2]]);
  return await new Response(new Blob([...parts, ...list, end, new Uint8Array(comment)])).bytes();
}

/** Numbers of so many bytes each, little-endian. */
function record(fields: number[][]): Uint8Array<ArrayBuffer> {
  const bytes = fields.flatMap(([value, width]) => Array.from({ length: width }, (_, i) => (value >>> (8 * i)) & 255));
  return Uint8Array.from(bytes);
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
