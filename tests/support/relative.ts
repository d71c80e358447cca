/** Largest difference over the largest value of `theirs`, NaN where there is a NaN. */
export function relative(ours: Float32Array, theirs: Float32Array): number {
  let most = 0;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    const difference = Math.abs(ours[i] - theirs[i]);
    if (Number.isNaN(difference)) return NaN;
    most = Math.max(most, difference);
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  return most / largest;
}
