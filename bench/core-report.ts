// What bench/core-times.ts measured, in lines for a terminal.
import type { CorePromises, CoreTime } from "./core-times.ts";

export const header = "policy        layers  slots  evict  ms/step  ns/slot   GB/s  of copy  scalar  JavaScript   twin";

export function promiseLines({ ms, inUpdates, update, javascript, evict, linear }: CorePromises): string[] {
  const [one, many] = evict;
  return [
    `RoCo, 32 × 8 × 2048 slots: ${ms.toFixed(3)} ms a step = ${inUpdates.toFixed(1)} × the update pass ` +
    `(${update.toFixed(3)} ms), JavaScript ${javascript.toFixed(1)} ×`,
    `evict 1: ${one.toFixed(3)} ms, evict 64: ${many.toFixed(3)} ms = ${(many / one).toFixed(1)} ×`,
    `ns per slot: ${linear.map(({ slots, nsPerSlot }) => `${nsPerSlot.toFixed(2)} of ${slots}`).join(", ")}`,
  ];
}

export function timeLine(time: CoreTime): string {
  const { policy, layers, slots, evict, ms, nsPerSlot, gbPerSecond, ofCopy, scalar, javascript, twin } = time;
  const cells: [string, number][] = [
    [String(layers), 6],
    [String(slots), 7],
    [String(evict), 7],
    [ms.toFixed(ms < 0.1 ? 4 : 3), 9],
    [nsPerSlot.toFixed(2), 9],
    [gbPerSecond.toFixed(1), 7],
    [ofCopy.toFixed(2), 9],
    [`${scalar.toFixed(1)} ×`, 8],
    [`${javascript.toFixed(1)} ×`, 12],
    [`${twin.toFixed(0)} ×`, 7],
  ];
  return policy.padEnd(14) + cells.map(([text, width]) => text.padStart(width)).join("");
}
