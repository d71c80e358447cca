// Selection as well-written JavaScript does it, for bench/javascript-core.ts.

/** Brings the k first of `count` picked slots, by key and then position, to the front: Hoare's quickselect. */
export function select(
  picked: ArrayLike<number> & { [i: number]: number },
  keys: Float64Array,
  place: Int32Array,
  { count, k }: { count: number; k: number },
): void {
  if (k >= count) return;
  if (k === 1) {
    let best = 0;
    let least = keys[picked[0]];
    for (let i = 1; i < count; i++) {
      const key = keys[picked[i]];
      if (key > least || (key === least && place[picked[i]] > place[picked[best]])) continue;
      least = key;
      best = i;
    }
    [picked[0], picked[best]] = [picked[best], picked[0]];
    return;
  }
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = picked[(low + high) >> 1];
    const key = keys[pivot];
    const at = place[pivot];
    let i = low;
    let j = high;
    while (i <= j) {
      while (keys[picked[i]] < key || (keys[picked[i]] === key && place[picked[i]] < at)) i++;
      while (keys[picked[j]] > key || (keys[picked[j]] === key && place[picked[j]] > at)) j--;
      if (i > j) break;
      const slot = picked[i];
      picked[i++] = picked[j];
      picked[j--] = slot;
    }
    if (k - 1 <= j) high = j;
    else if (k - 1 >= i) low = i;
    else return;
  }
}
