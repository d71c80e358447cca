/** Units in few words. */
import type { Json } from "./plan.ts";
import type { Unit } from "./units.ts";

/** A budget as a command line has it. */
export function budgetText(budget: Json | undefined): string {
  if (budget === undefined) return "all";
  if (typeof budget !== "object" || budget === null) return String(budget);
  const { share, bytes, generated } = budget as { share?: number; bytes?: number; generated?: number };
  if (generated !== undefined) return `+${generated}`;
  return share === undefined ? `${bytes}B` : `${Number((100 * share).toPrecision(12))}%`;
}

/** What a unit has besides what has a column of its own. */
export function optionsText({ stride, mode, session }: Unit): string {
  const options = Object.entries(session).map(([name, value]) =>
    `${name} ${typeof value === "object" ? budgetText(value) : value}`
  );
  return [...stride === undefined ? [] : [`stride ${stride}`], ...mode === "both" ? [] : [`${mode} only`], ...options]
    .join(", ");
}
