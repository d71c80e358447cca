/** How far two distributions over the next token are apart, from their logits. */
import { exp, log } from "../../engine/elementary.ts";

export interface Agreement {
  /** The likeliest token is the same; of equals the smaller id. */
  readonly same: boolean;
  /** KL(p ‖ q) = Σ p (ln p − ln q), nats. */
  readonly kl: number;
}

/** @param p, q logits, [vocab]; −∞ in q only where p has it */
export function compareLogits(p: Float32Array, q: Float32Array): Agreement {
  const [topP, topQ] = [top(p), top(q)];
  let [sumP, sumQ, mean] = [0, 0, 0]; // mean: Σ e^p (p − q), of logits less their largest
  for (let id = 0; id < p.length; id++) {
    const [a, b] = [p[id] - p[topP], q[id] - q[topQ]];
    const weight = exp(a);
    sumP += weight;
    sumQ += exp(b);
    if (weight > 0) mean += weight * (a - b);
  }
  const kl = mean / sumP - log(sumP) + log(sumQ);
  return { same: topP === topQ, kl: Math.max(0, kl) }; // rounding may leave a hair below 0
}

function top(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}
