/** The kernel table: one row per .wgsl file, which says what its bindings are. Dispatch is written once, in dispatch.ts. */
import ask from "../../shaders/ask.wgsl" with { type: "text" };
import argmax from "../../shaders/argmax.wgsl" with { type: "text" };
import attend from "../../shaders/attend.wgsl" with { type: "text" };
import blocks from "../../shaders/blocks.wgsl" with { type: "text" };
import embed from "../../shaders/embed.wgsl" with { type: "text" };
import fold from "../../shaders/fold.wgsl" with { type: "text" };
import join from "../../shaders/join.wgsl" with { type: "text" };
import loss from "../../shaders/loss.wgsl" with { type: "text" };
import matmul from "../../shaders/matmul.wgsl" with { type: "text" };
import matvec from "../../shaders/matvec.wgsl" with { type: "text" };
import observe from "../../shaders/observe.wgsl" with { type: "text" };
import rerank from "../../shaders/rerank.wgsl" with { type: "text" };
import rmsnorm from "../../shaders/rmsnorm.wgsl" with { type: "text" };
import rope from "../../shaders/rope.wgsl" with { type: "text" };
import route from "../../shaders/route.wgsl" with { type: "text" };
import scores from "../../shaders/scores.wgsl" with { type: "text" };
import settle from "../../shaders/settle.wgsl" with { type: "text" };
import softmax from "../../shaders/softmax.wgsl" with { type: "text" };
import swiglu from "../../shaders/swiglu.wgsl" with { type: "text" };
import tell from "../../shaders/tell.wgsl" with { type: "text" };
import weigh from "../../shaders/weigh.wgsl" with { type: "text" };
import whole from "../../shaders/whole.wgsl" with { type: "text" };

/** What a binding is to its kernel: r reads, w writes (and may read), u is a uniform. In order of @binding. */
export type Access = "r" | "w" | "u";

/** One kernel: its source and its bindings. */
export interface Kernel {
  readonly code: string;
  /** Its entry point, where that is not `main`. */
  readonly entry?: string;
  readonly bindings: readonly Access[];
}

/** Every kernel by name; matvec and matmul are interchangeable, and so are blockVec and blockMat. */
export const kernels = {
  embed: { code: embed, bindings: ["r", "r", "w"] },
  rmsnorm: { code: rmsnorm, bindings: ["r", "r", "r", "w"] },
  matvec: { code: matvec, bindings: ["r", "r", "r", "w", "r"] },
  matmul: { code: matmul, bindings: ["r", "r", "r", "w", "r"] },
  blockEmbed: { code: blocks, entry: "embed", bindings: ["r", "r", "r", "w", "r"] },
  blockVec: { code: blocks, entry: "vector", bindings: ["r", "r", "r", "w", "r"] },
  blockMat: { code: blocks, entry: "matrix", bindings: ["r", "r", "r", "w", "r"] },
  rerank: { code: rerank, bindings: ["r", "r", "w"] },
  rope: { code: rope, bindings: ["r", "u", "r", "r", "w", "w", "w", "w", "w"] },
  whole: { code: whole, bindings: ["r", "w"] },
  ask: { code: ask, bindings: ["r", "u", "r", "r", "w"] },
  tell: { code: tell, bindings: ["r", "u", "r", "r", "w"] },
  scores: { code: scores, bindings: ["r", "u", "r", "r", "r", "w", "r", "r", "r"] },
  softmax: { code: softmax, bindings: ["r", "u", "w", "w", "w"] },
  observe: { code: observe, bindings: ["r", "u", "r", "w"] },
  attend: { code: attend, bindings: ["r", "u", "r", "r", "w", "r", "r"] },
  fold: { code: fold, bindings: ["r", "u", "r", "r", "r", "r", "w"] },
  swiglu: { code: swiglu, bindings: ["r", "w"] },
  route: { code: route, bindings: ["r", "w", "w"] },
  weigh: { code: weigh, bindings: ["r", "r", "w"] },
  join: { code: join, bindings: ["r", "r", "w"] },
  settle: { code: settle, bindings: ["w"] },
  loss: { code: loss, bindings: ["r", "r", "w"] },
  argmax: { code: argmax, bindings: ["r", "r", "w"] },
} as const satisfies Record<string, Kernel>;

/** Name of a kernel. */
export type KernelName = keyof typeof kernels;
