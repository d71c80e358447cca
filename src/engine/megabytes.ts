/** Bytes as a person reads them. What is needed is told rounded up and what there is rounded down, so that the two differ. */
export function megabytes(bytes: number, round = Math.round): string {
  const digits = bytes < 1e7 ? 2 : 1;
  const unit = 10 ** (6 - digits);
  return `${(round(bytes / unit) * unit / 1e6).toFixed(digits)} MB`;
}
