// Bytes as what they are more than others: the two builds of the pass are alike but for a few instructions, and too far apart in a
// script for gzip to see it.

const LEAST = 8; // bytes that are worth being taken from the others
const KEY = 6; // bytes that are looked up

/**
 * How `bytes` are made of `others`: steps of three numbers, how many new bytes come, how far ahead in the others to go then (from where
 * the last step ended), and how many bytes to take there; and all new bytes.
 * @returns {{ steps: number[], fresh: Uint8Array }}
 */
export function patchOf(/** @type {Uint8Array} */ others, /** @type {Uint8Array} */ bytes) {
  const key = (/** @type {Uint8Array} */ of, /** @type {number} */ at) => of.subarray(at, at + KEY).join();
  /** @type {Map<string, number[]>} */
  const places = new Map();
  for (let i = 0; i + KEY <= others.length; i++) {
    const all = places.get(key(others, i));
    if (all) all.push(i);
    else places.set(key(others, i), [i]);
  }
  const steps = [];
  const fresh = [];
  let waiting = 0; // new bytes since the last step
  let end = 0; // of that step, in the others
  for (let at = 0; at < bytes.length;) {
    let [from, length] = [0, 0];
    for (const place of places.get(key(bytes, at)) ?? []) {
      let same = 0;
      while (at + same < bytes.length && others[place + same] === bytes[at + same]) same++;
      const nearer = same === length && Math.abs(place - end) < Math.abs(from - end);
      if (same > length || nearer) [from, length] = [place, same];
    }
    if (length < LEAST) {
      fresh.push(bytes[at++]);
      waiting++;
      continue;
    }
    steps.push(waiting, from - end, length);
    [waiting, end] = [0, from + length];
    at += length;
  }
  return { steps: [...steps, waiting, 0, 0], fresh: Uint8Array.from(fresh) };
}

/** Puts them together again. It stands in scripts as it stands here. @returns {Uint8Array} */
export function patched(
  /** @type {Uint8Array} */ others,
  /** @type {number[]} */ steps,
  /** @type {Uint8Array} */ fresh,
) {
  const bytes = new Uint8Array(steps.reduce((sum, step, i) => i % 3 === 1 ? sum : sum + step, 0));
  let [to, read, end] = [0, 0, 0];
  for (let i = 0; i < steps.length; i += 3) {
    bytes.set(fresh.subarray(read, read += steps[i]), to);
    to += steps[i];
    end += steps[i + 1];
    bytes.set(others.subarray(end, end += steps[i + 2]), to);
    to += steps[i + 2];
  }
  return bytes;
}
