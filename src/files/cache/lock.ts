/** One writer to an entry; the others wait and see it grow. */
import { type Patience, sleep } from "../http.ts";
import { type Entry, Unstorable } from "./store.ts";

const POLL = 200; // milliseconds

/**
 * Runs `work` while nobody else writes to the entry.
 * @param patience how long to wait for a writer that writes nothing
 * @param grown hears how many bytes the other writer has written
 * @throws Unstorable where the other one does not get on, the signal's reason
 */
export async function locked<T>(
  entry: Entry,
  { stall, signal }: Pick<Patience, "stall" | "signal">,
  grown: (bytes: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  let seen = -1, since = performance.now();
  for (;;) {
    const release = await entry.tryLock();
    if (release) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    const bytes = await entry.partial();
    if (bytes !== seen) {
      [seen, since] = [bytes, performance.now()];
      grown(bytes);
    }
    if (performance.now() - since > stall) {
      throw new Unstorable(
        `another program that has been writing there for ${Math.round(stall / 1000)} s to no effect`,
      );
    }
    await sleep(POLL, signal);
  }
}
