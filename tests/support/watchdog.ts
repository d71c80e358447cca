// A worker that ends the run when a test does not: it still runs where the main thread hangs in a loop.
import { type Totals, totalsLine } from "./harness.ts";

/** The next test, and the totals so far; told before every test. */
export interface Beat {
  next: string;
  totals: Totals;
  limit: number; // milliseconds
}

let timer: ReturnType<typeof setTimeout> | undefined;

globalThis.addEventListener("message", (event) => {
  const { next, totals, limit } = (event as MessageEvent<Beat>).data;
  clearTimeout(timer);
  timer = setTimeout(() => {
    const lines = `  FAILED: ${next} did not end within ${limit / 1000} s; the run stops here\n` +
      `${totalsLine({ ...totals, failed: totals.failed + 1 })}\n`;
    Deno.stdout.writeSync(new TextEncoder().encode(lines));
    Deno.kill(Deno.pid, "SIGKILL");
  }, limit);
});
