// Loaded before uvu: it must not run its queue by itself, and in a page it keeps the console.log of the moment it is loaded, for
// the marks that nobody needs. tests/support/harness.ts gives tests a console.log again.

/** uvu's suite as `.run()` queues it: error text or true, tests passed, skipped and run. */
export type QueuedSuite = (() => Promise<[string | true, number, number, number]>) & { title?: string };

/** What uvu keeps at the global object: whether its queue waits, the file at work, the suites of every file. */
export const uvu: { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: QueuedSuite[][] } = Object.assign(
  globalThis as unknown as { UVU_INDEX: number },
  { UVU_DEFER: 1, UVU_QUEUE: [] },
);
console.log = () => {};
