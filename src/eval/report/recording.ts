/** The report of a recording: the two figures that the paper's proposal rests on, drawn anew. */
import type { Overlap, Spread } from "../../recording/figures.ts";
import type { Recording } from "../../recording/read.ts";
import { chartOf } from "./chart.ts";
import { documentOf } from "./document.ts";
import { markup } from "./markup.ts";

/** @param overlaps of every policy @param spreads at some moments of the run */
export function recordingPage(recording: Recording, overlaps: readonly Overlap[], spreads: readonly Spread[]): string {
  const { model, tokens, passes, options } = recording;
  const moments = overlaps[0]?.moments ?? [];
  const overlap = chartOf({
    title: "Tokens held that would be held if nothing had ever been lost, share",
    places: moments.map(({ tokens }) => `${tokens}`),
    series: overlaps.map(({ policy, budget, moments }) => ({
      name: `${policy}, ${budget}`,
      points: moments.map(({ share }, at) => ({ at, value: share })),
    })),
    full: null,
  });
  const parts = spreads[0]?.parts.length ?? 0;
  const spread = chartOf({
    title: "σ of a token's attention, by where it stands in the text: mean over the lanes",
    places: Array.from({ length: parts }, (_, part) => part === 0 ? "first" : part === parts - 1 ? "newest" : ""),
    series: spreads.map(({ tokens, parts }) => ({
      name: `${tokens} tokens`,
      points: parts.map((value, at) => ({ at, value })),
    })),
    full: null,
  });
  return documentOf(
    "What a recording shows",
    markup`<p>${tokens} tokens in ${passes} passes under the policy ${
      String(options.policy)
    }; ${model}. Each policy is replayed twice: under
its budget, and with room for all, where it says at each moment which tokens it would keep. After the preliminary figures of arXiv 2402.06262.</p>
<main><div class="charts">${overlap}${spread}</div></main>`,
  );
}
