/** Where conversations are kept beyond a process: bytes under names, which say nothing of what they are of. */

/** What a store holds under a name. */
export interface Kept {
  readonly bytes: Uint8Array;
  /** Another for everything that is written. */
  readonly version: string;
}

/** A folder, Redis, or what else keeps bytes. Names are 64 digits of base 16. */
export interface Store {
  /** What it is, in words. */
  readonly what: string;
  /** What is there; null: nothing. */
  read(name: string): Promise<Kept | null>;
  /** The version of what is there; null: nothing. */
  version(name: string): Promise<string | null>;
  /** Puts bytes there, whole or not at all. @returns their version */
  write(name: string, bytes: Uint8Array): Promise<string>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

const HEAD = 4; // bytes: the length of what is said of a snapshot

/** A snapshot, and how its cache was asked to be kept. */
export function pack(manner: string, snapshot: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(manner);
  const bytes = new Uint8Array(HEAD + head.length + snapshot.length);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, HEAD);
  bytes.set(snapshot, HEAD + head.length);
  return bytes;
}

/** The two again; null where the bytes are none. */
export function unpack(bytes: Uint8Array): { manner: string; snapshot: Uint8Array } | null {
  if (bytes.length < HEAD) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (HEAD + length > bytes.length) return null;
  const manner = new TextDecoder().decode(bytes.subarray(HEAD, HEAD + length));
  return { manner, snapshot: bytes.subarray(HEAD + length) };
}
