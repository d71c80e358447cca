/** What a session's K and V take, in words. */
import type { Report } from "../session/report.ts";

/** As it is: "24 of 128 slots used, 30 KiB; reserved 240 KiB; a full cache passes that at token 193". */
export function cacheLine({ policy, budget, liveSlots, evictions, kvBytes, fullKvBytes }: Report): string {
  const perToken = fullKvBytes / Math.max(1, liveSlots + evictions); // bytes
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const held = `${liveSlots} of ${budget} slots used, ${kib(liveSlots * perToken)}; reserved ${kib(kvBytes)}`;
  if (policy === "full" || perToken === 0) return held;
  return `${held}; a full cache passes that at token ${Math.floor(kvBytes / perToken) + 1}`;
}
