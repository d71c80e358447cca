/** Lines that several commands, and the lab, say of a report. */
import type { Report } from "../session/report.ts";

/** What K and V take: "24 of 128 slots used, 30 KiB; reserved 200 KiB; a full cache passes that at token 161". */
export function cacheLine(report: Report): string {
  const { policy, budget, liveSlots, evictions, kvBytes, usedKvBytes, fullKvBytes } = report;
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const held = `${liveSlots} of ${budget} slots used, ${kib(usedKvBytes)}; reserved ${kib(kvBytes)}`;
  if (policy === "full" || fullKvBytes === 0) return held;
  const perToken = fullKvBytes / (liveSlots + evictions); // bytes
  return `${held}; a full cache passes that at token ${Math.floor(kvBytes / perToken) + 1}`;
}

/** Where the mean step's time goes. */
export function stepLine({ stepMs: { total, wait, wasm, other } }: Report): string {
  const ms = (value: number) => value.toFixed(2);
  return `${ms(total)} ms = ${ms(wait)} waiting for the device + ${ms(wasm)} Wasm bookkeeping + ${ms(other)} the rest`;
}
