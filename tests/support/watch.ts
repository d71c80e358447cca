// Finds what hangs, by progress and processor time, not by the clock: a test may wait for a busy machine as long as it must.
import { between, type Meter, type Reading } from "./processor.ts";

const EVERY = 1000; // milliseconds between two looks
const LIMIT = Number(Deno.env.get("KVCAP_TEST_LIMIT") ?? 600); // seconds of processor time that one test may take
const ASLEEP = 300; // seconds in which a process that waits for nothing but the processor gets more than …
const BREATH = 3; // … these of processor time, even at a load of 100 on two cores
// Seconds after which a test is given up, whatever it does: a page that waits uses the processor all the time.
const CLOCK = 2400;

/**
 * Watches a process. `progress` says that something new begins; `hangs` is told once if nothing did while the process used up
 * `limit`, or while it slept. Where processor time is unknown the clock alone must do, four times as long.
 */
export function watch(meter: Meter, hangs: (why: string) => void, limit = LIMIT): { progress(): void; stop(): void } {
  const look = () => ({ used: meter.read(), at: performance.now() / 1000 });
  const since = (before: Reading | null, now: Reading | null) => before && now ? between(before, now) : null;
  let begun = look();
  let awake = begun;
  let fresh = false; // something began since the last look
  const timer = setInterval(() => {
    const now = look();
    if (fresh) awake = begun = now;
    fresh = false;
    const used = since(begun.used, now.used);
    if (used === null) {
      if (now.at - begun.at > 4 * limit) stop(`did not end within ${4 * limit} s`);
    } else if (used > limit) stop(`did not end within ${limit} s of processor time`);
    else if (now.at - begun.at > CLOCK) stop(`did not end within ${CLOCK} s`);
    else if (since(awake.used, now.used)! > BREATH) awake = now;
    else if (now.at - awake.at > ASLEEP) stop(`did nothing for ${ASLEEP} s`);
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
