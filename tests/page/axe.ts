// axe-core on a page.
import type { Page } from "playwright-core";

const axe = await Deno.readTextFile(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url));

/** axe's serious and critical faults, in a line each. */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(async () => {
    type Found = {
      violations: { id: string; impact: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[];
    };
    const { violations } = await (globalThis as unknown as { axe: { run(): Promise<Found> } }).axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, help, nodes }) =>
        `${id}: ${help} (${nodes.length}: ${nodes[0].target.join(" ")}: ${nodes[0].failureSummary})`
      );
  });
}
