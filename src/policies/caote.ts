import type { FunctionPolicy } from "./policy.ts";
import { workspace } from "./rows.ts";

/**
 * CAOTE: Goel et al., CAOTE: KV Cache Selection for LLMs via Attention Output Error-Based Token Eviction, arXiv 2504.14051. The
 * token goes whose loss would change the attention output least: h / (1 − h) · ‖Σ h v − v‖, where the h sum to 1 over a lane's tokens.
 *
 * Here h is mean attention, RoCo's score: the paper puts it on the last query's (TOVA), the sum's (H2O) and a window's. It frees one
 * token at a time and normalises h anew; here as many go as the budget asks for, by one set of scores.
 */
export const caote: FunctionPolicy = {
  name: "caote",
  basis: "mean",
  score: (_lane, { positions, values }, scores) => changes(positions, values!, scores),
  scope: "all",
  needsAttention: true,
  readsVectors: true,
  evicts: true,
  sinks: 4,
  newest: 0.1,
};

/** Makes of attention the change of the output that each token's loss would bring. */
function changes(positions: Int32Array, values: Float32Array, scores: Float32Array): void {
  const headDim = values.length / positions.length;
  const output = workspace(headDim).fill(0, 0, headDim);
  let sum = 0;
  for (let slot = 0; slot < positions.length; slot++) {
    if (positions[slot] < 0) continue;
    sum += scores[slot];
    for (let i = 0; i < headDim; i++) output[i] += scores[slot] * values[slot * headDim + i];
  }
  for (let slot = 0; slot < positions.length; slot++) {
    if (positions[slot] < 0) continue;
    const others = sum - scores[slot];
    let squares = 0;
    for (let i = 0; i < headDim; i++) squares += (output[i] / (sum || 1) - values[slot * headDim + i]) ** 2;
    scores[slot] = others > 0 ? scores[slot] / others * Math.sqrt(squares) : 0;
  }
}
