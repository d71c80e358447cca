// crest, where attention counts for as much as it brings: of the tokens that may go, the one with the smallest product of late mean
// attention and the length of its value goes. `npm start -- eval --policies crest,examples/crest-by-value.ts` compares the two;
// docs/results.md has what came of it.
import { definePolicy } from "kvcap";

/** crest with its score times ‖v‖. */
export default definePolicy({
  name: "crest-by-value",
  basis: "ema", // whose values stand in `scores`
  scope: "peak",
  readsVectors: true,
  score: (_lane, { positions, values }, scores) => {
    const headDim = values!.length / positions.length;
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] < 0) continue; // it is free
      let square = 0;
      for (let i = slot * headDim; i < (slot + 1) * headDim; i++) square += values![i] * values![i];
      scores[slot] *= Math.sqrt(square);
    }
  },
});
