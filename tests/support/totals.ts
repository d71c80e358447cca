// What comes of tests, counted, and the line that says so.

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** The line that every run ends with. */
export function totalsLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Text without its terminal colours. */
export function plain(coloured: string): string {
  // deno-lint-ignore no-control-regex
  return coloured.replace(/\x1b\[\d+m/g, "");
}
