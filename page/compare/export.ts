/** A comparison's numbers as files. */
import { LETTERS } from "./comparison.ts";
import type { Result } from "./result.ts";

/** What "agreement" means, in the page and in what it exports. */
export const AGREEMENT =
  "A reference, the full cache with K and V in f32, writes a text under the same prompt, sampling and seed. Every run " +
  "reads that very text token by token, and its distribution of the next token, before temperature and top-p, is " +
  "compared with the reference’s at every step: is the likeliest token the same, and KL(reference ‖ run) in nats.";

/** What the two figures show, which the paper's proposal rests on. */
export const FIGURES =
  "Each policy also runs again over the attention by which the reference read its text, twice: under its budget, and " +
  "with room for all, where it says which tokens it would keep. The spread is each token’s, mean over the lanes.";

export function toJson(result: Result): string {
  const { asked, model, adapter, steps, figures } = result;
  const runs = asked.runs.map((choice, i) => {
    const { tokens, report, perplexity, refused } = result.runs[i];
    const numbers = tokens.map(({ id, text, kvBytes, ms }) => ({ id, text, liveKvBytes: kvBytes, stepMs: ms }));
    const each = steps.map(({ same, kl }) => ({ same: same[i], kl: kl[i] }));
    const agreement = result.agreement(i);
    return {
      ...{ name: LETTERS[i], ...choice, report: report && { ...report, ids: tokens.map(({ id }) => id) } },
      ...{ firstDifference: i === 0 ? null : orNull(result.parted(i)) },
      ...{
        agreement: agreement && { sameTop: agreement.same, meanKl: agreement.kl },
        perplexity,
        refused,
        found: result.found(i),
      },
      ...{ tokens: numbers, steps: each, overlap: figures?.overlaps[i] ?? null },
    };
  });
  const { runs: _, ...shared } = asked;
  const reference = {
    about: AGREEMENT,
    ids: steps.map(({ id }) => id),
    figures: FIGURES,
    spreads: figures?.spreads ?? null,
  };
  return `${JSON.stringify({ from: "kvcap lab", model, adapter, ...shared, reference, runs }, null, 1)}\n`;
}

const orNull = (at: number) => at < 0 ? null : at;

const COLUMNS = [
  ...["run", "policy", "budget", "positions", "kv", "token", "id", "text", "live_kv_bytes", "step_ms"],
  ...["reference_id", "same_top", "kl_nats"],
];

/** A line for every token of every run. The last three columns are of the reference's text at the same place. */
export function toCsv(result: Result): string {
  const lines = [COLUMNS.join(",")];
  result.asked.runs.forEach(({ policy, budget, positions, kv }, i) => {
    const { tokens } = result.runs[i];
    const length = Math.max(tokens.length, result.steps.length);
    for (let at = 0; at < length; at++) {
      const { id, text, kvBytes, ms } = tokens[at] ?? {};
      const { id: reference, same, kl } = result.steps[at] ?? {};
      const values = [LETTERS[i], policy, budget, positions, kv, at, id, text, kvBytes, ms, reference];
      lines.push([...values, same ? Number(same[i]) : "", kl?.[i]].map(field).join(","));
    }
  });
  return `${lines.join("\r\n")}\r\n`;
}

/** RFC 4180. */
function field(value: unknown): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
