// The feed-forward part of a layer of experts, as pass.ts has it where there are none.

import {
  CONTEXT_ROUTED,
  LAYER_ROUTER,
  MODEL_EXPERT_WIDTH,
  MODEL_EXPERTS,
  MODEL_EXPERTS_USED,
  MODEL_HIDDEN,
} from "./abi";
import { ACTIVATE, CLOSE, GATHER, OPEN, route, routedPitch, WEIGH } from "./experts";
import { padded, word } from "./rows";
import { shareExperts, shareMultiply, sharePrepare } from "./team";

/** y = what a layer's experts make of x, or y += that; both [tokens, padded hidden]. */
export function mix(model: usize, layer: usize, context: usize, x: usize, y: usize, more: bool, tokens: u32): void {
  const router: usize = word(layer, LAYER_ROUTER);
  const width = padded(word(model, MODEL_HIDDEN));
  const inner = word(model, MODEL_EXPERT_WIDTH);
  const rows = tokens * word(model, MODEL_EXPERTS_USED);
  const routed: usize = word(context, CONTEXT_ROUTED);
  sharePrepare(context, router, x, width, tokens);
  shareMultiply(context, router, x, width, routed, routedPitch(word(model, MODEL_EXPERTS)), tokens, false);
  route(model, context, tokens);
  shareExperts(GATHER, rows, model, layer, context, x, false, tokens);
  shareExperts(OPEN, inner >> 3, model, layer, context, 0, false, tokens);
  shareExperts(ACTIVATE, rows, model, layer, context, 0, false, tokens);
  shareExperts(CLOSE, width >> 4, model, layer, context, 0, false, tokens);
  shareExperts(WEIGH, tokens, model, layer, context, y, more, tokens);
}
