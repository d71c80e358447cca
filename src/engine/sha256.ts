/** SHA-256 (FIPS 180-4), of bytes that come piece by piece too: what a page has (WebCrypto) wants all of them at once. */

/** The first 32 bits behind the point. */
const fraction = (x: number) => (x - Math.floor(x)) * 2 ** 32 | 0;
const primes = Array.from({ length: 310 }, (_, i) => i + 2).filter((n) => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}); // the first 64
const ROUNDS = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const BEGIN = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const BLOCK = 64; // bytes

/** A SHA-256 that grows. */
export class Sha256 {
  readonly #state = BEGIN.slice(); // [8]
  readonly #words = new Int32Array(64); // of a block, and what becomes of them
  readonly #rest = new DataView(new ArrayBuffer(BLOCK)); // bytes behind the last whole block
  #bytes = 0; // so far

  update(bytes: Uint8Array): this {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const held = this.#bytes % BLOCK;
    this.#bytes += bytes.length;
    let at = held && Math.min(BLOCK - held, bytes.length);
    this.#keep(bytes.subarray(0, at), held);
    if (held + at === BLOCK) this.#take(this.#rest, 0);
    if (held + at > 0 && held + at < BLOCK) return this;
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#take(view, at);
    this.#keep(bytes.subarray(at), 0);
    return this;
  }

  /** The sum, 32 bytes. It takes no more. */
  digest(): Uint8Array {
    const held = this.#bytes % BLOCK, rest = new Uint8Array(this.#rest.buffer).fill(0, held);
    rest[held] = 0x80;
    if (held >= 56) {
      this.#take(this.#rest, 0);
      rest.fill(0);
    }
    this.#rest.setUint32(56, this.#bytes / 2 ** 29);
    this.#rest.setUint32(60, this.#bytes * 8);
    this.#take(this.#rest, 0);
    const sum = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, i) => sum.setInt32(4 * i, word));
    return new Uint8Array(sum.buffer);
  }

  #keep(bytes: Uint8Array, at: number): void {
    new Uint8Array(this.#rest.buffer).set(bytes, at);
  }

  /** Takes in the block that begins at a byte. */
  #take(view: DataView, at: number): void {
    const w = this.#words, state = this.#state, rounds = ROUNDS;
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
      const t = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
      w[i] = w[i - 16] + s + w[i - 7] + t | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i++) {
      const s = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
      const t = h + s + (e & f ^ ~e & g) + rounds[i] + w[i] | 0;
      const u = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
      h = g;
      g = f;
      f = e;
      e = d + t | 0;
      d = c;
      const maj = a & b ^ a & c ^ b & c;
      c = b;
      b = a;
      a = t + u + maj | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/** SHA-256 of bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Sha256().update(bytes).digest();
}

/** SHA-256 of a text, the first 16 hex digits: a name for it. */
export function digest(text: string): string {
  return hex(sha256(new TextEncoder().encode(text))).slice(0, 16);
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
