/** The feed-forward part of a layer: bound to its buffers, and recorded. One of its own, or some of many experts for every token. */
import { dispatch, type Op } from "./dispatch.ts";
import {
  type Addition,
  addition,
  type Bound,
  type ExpertProduct,
  expertProduct,
  joinOf,
  multiply,
  multiplyExperts,
  type Product,
  product,
} from "./product.ts";
import { pad8 } from "./scratch.ts";
import type { LayerWeights } from "./weights.ts";

/** One that all tokens go through. */
interface Dense {
  readonly experts: null;
  readonly gateUp: Product;
  readonly swiglu: Op;
  readonly down: Addition;
}

/** Some of many. */
interface Routed {
  /** Of a token. */
  readonly experts: number;
  readonly router: Product;
  readonly route: Op;
  readonly gateUp: ExpertProduct;
  readonly swiglu: Op;
  readonly down: ExpertProduct;
  readonly weigh: Op;
  readonly join: Op | null;
}

/** What is dispatched, and how wide the part is. */
export type FeedForward = { readonly width: number } & (Dense | Routed);

/** Binds that of a layer. @param input what it is made of */
export function bindFeedForward(bound: Bound, layer: LayerWeights, input: GPUBuffer): FeedForward {
  const { model: { config, pipelines }, scratch } = bound;
  const { intermediate, experts, hidden, activation } = config;
  const swiglu = (width: number, from: GPUBuffer, to: GPUBuffer) => {
    const constants = { WIDTH: width, IN_PITCH: 2 * width, PITCH: pad8(width), GELU: activation === "gelu" ? 1 : 0 };
    return pipelines.op("swiglu", constants, [from, to]);
  };
  if (!layer.router) {
    const [gateUp, activated] = [scratch.gateUp!, scratch.activated!];
    return {
      experts: null,
      width: intermediate,
      gateUp: product(bound, { matrix: layer.gateUp, input, output: gateUp, pitch: 2 * intermediate }),
      swiglu: swiglu(intermediate, gateUp, activated),
      down: addition(bound, layer.down, activated, layer.mlpEnd),
    };
  }
  const { count: EXPERTS, used: USED, width, normed } = experts!;
  const [routed, shares, made] = [scratch.routed!, scratch.shares!, scratch.expertMade!];
  const [gateUp, activated] = [scratch.expertGateUp!, scratch.expertActivated!];
  const join = joinOf(bound, layer.mlpEnd);
  const PITCH = pad8(hidden);
  const first = { matrix: layer.gateUp, rows: 2 * width, input, shared: USED, output: gateUp, pitch: 2 * width };
  const last = { matrix: layer.down, rows: hidden, input: activated, shared: 1, output: made, pitch: PITCH };
  const routeConstants = { EXPERTS, USED, NORMED: normed ? 1 : 0 };
  const weighConstants = { WIDTH: hidden, PITCH, USED, ADD: join ? 0 : 1 };
  return {
    experts: USED,
    width,
    router: product(bound, { matrix: layer.router, input, output: routed, pitch: EXPERTS }),
    route: pipelines.op("route", routeConstants, [routed, scratch.routes!, shares]),
    gateUp: expertProduct(bound, first),
    swiglu: swiglu(width, gateUp, activated),
    down: expertProduct(bound, last),
    weigh: pipelines.op("weigh", weighConstants, [shares, made, join ? scratch.normed : scratch.x]),
    join,
  };
}

/** Records it. @param hidden width of what comes out */
export function feedForward(pass: GPUComputePassEncoder, part: FeedForward, hidden: number, tokens: number): void {
  const columns = Math.ceil(part.width / 64);
  if (part.experts === null) {
    multiply(pass, part.gateUp, tokens);
    dispatch(pass, part.swiglu, columns, tokens);
    add(pass, part.down, tokens);
    return;
  }
  const rows = tokens * part.experts;
  multiply(pass, part.router, tokens);
  dispatch(pass, part.route, tokens);
  multiplyExperts(pass, part.gateUp, rows);
  dispatch(pass, part.swiglu, columns, rows);
  multiplyExperts(pass, part.down, rows);
  dispatch(pass, part.weigh, Math.ceil(hidden / 64), tokens);
  if (part.join) dispatch(pass, part.join, tokens);
}

/** Adds to the residual. */
export function add(pass: GPUComputePassEncoder, { product, join }: Addition, tokens: number): void {
  multiply(pass, product, tokens);
  if (join) dispatch(pass, join, tokens);
}
