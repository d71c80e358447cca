/** Whether a page is still there: a port does not say, but a lock that it holds is let go with it. */

/** The part of the Web Locks API that is used. */
interface Locks {
  request(name: string, held: () => Promise<void> | void): Promise<unknown>;
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void> | void): Promise<unknown>;
}

const locks = (): Locks | undefined => (globalThis.navigator as { locks?: Locks } | undefined)?.locks;

/** Takes a lock. @returns its name, and what lets it go; null where there are none, as in pages that came by plain HTTP */
export async function hold(): Promise<{ name: string; release: () => void } | null> {
  const all = locks();
  if (!all) return null;
  const name = `kvcap:${crypto.randomUUID()}`;
  return await new Promise((resolve) => {
    const held = () => new Promise<void>((release) => resolve({ name, release }));
    all.request(name, held).catch(() => resolve(null));
  });
}

/** Calls once a lock is let go. @returns what ends the waiting */
export function whenFree(name: string | null, call: () => void): () => void {
  const over = new AbortController();
  if (name !== null) locks()?.request(name, { signal: over.signal }, call).catch(() => {});
  return () => over.abort();
}
