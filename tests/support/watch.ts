// Finds what hangs, by progress and processor time, not by the clock: a test may wait for a busy machine as long as it must.
import { processTree } from "./processor.ts";

const EVERY = 5000; // milliseconds between two looks
const LIMIT = Number(Deno.env.get("KVCAP_TEST_LIMIT") ?? 600); // seconds of processor time that one test may take
const ASLEEP = 300; // seconds in which a process that waits for nothing but the processor gets more than …
const BREATH = 3; // … these of processor time, even at a load of 100 on two cores

/**
 * Watches the process at `pid`. `progress` says that something new begins; `hangs` is told once if nothing did while the process
 * used up LIMIT, or while it slept. Without /proc the clock alone must do, four times as long.
 */
export function watch(pid: number, hangs: (why: string) => void): { progress(): void; stop(): void } {
  const now = () => ({ used: processTree(pid)?.seconds, at: performance.now() / 1000 });
  let begun = now();
  let awake = begun;
  let fresh = false; // something began since the last look
  const timer = setInterval(() => {
    const { used, at } = now();
    if (fresh) awake = begun = { used, at };
    fresh = false;
    if (used === undefined || begun.used === undefined || awake.used === undefined) {
      if (at - begun.at > 4 * LIMIT) stop(`did not end within ${4 * LIMIT} s`);
      return;
    }
    if (used - begun.used > LIMIT) return stop(`did not end within ${LIMIT} s of processor time`);
    if (used - awake.used > BREATH) awake = { used, at };
    else if (at - awake.at > ASLEEP) stop(`did nothing for ${ASLEEP} s`);
  }, EVERY);
  function stop(why: string) {
    clearInterval(timer);
    hangs(why);
  }
  return {
    progress: () => fresh = true,
    stop: () => clearInterval(timer),
  };
}
