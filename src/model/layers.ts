/** What differs between the layers of a model: how positions turn their heads, and how far a query sees. */
import type { ModelConfig } from "../engine/config.ts";
import type { Rope, RopeAsked } from "../engine/rope.ts";
import { isRecord, refuseFile } from "../files/checks.ts";
import type { Family } from "./families.ts";
import { readRope } from "./rope.ts";

/** What they are read with. */
interface Reading {
  readonly layers: number;
  readonly headDim: number;
  readonly rotaryDim: number;
  readonly maxPositions: number;
  readonly asked: RopeAsked;
}

/** Reads these of a config. */
export function readLayers(
  config: Record<string, unknown>,
  family: Family,
  { layers, headDim, rotaryDim, maxPositions, asked }: Reading,
): Pick<ModelConfig, "ropes" | "layerRopes" | "windows"> {
  const read = (settings: Record<string, unknown>, asked: RopeAsked): Rope => {
    const { frequencies: turning, scale } = readRope(settings, rotaryDim, maxPositions, asked);
    const frequencies = new Float32Array(headDim / 2);
    frequencies.set(turning);
    return { frequencies, scale };
  };
  if (family.windows === "local layers") {
    const isLocal = readLocal(config, layers);
    const windows = readWindows(config, family, isLocal);
    if (!family.localRope) return { ropes: [read(config, asked)], layerRopes: isLocal.map(() => 0), windows };
    const { full, local } = ropesOf(config);
    return { ropes: [read(full, asked), read(local, {})], layerRopes: isLocal, windows };
  }
  const layerRopes = readLayerRopes(config, family, layers);
  const ropes = [read(config, asked), { frequencies: new Float32Array(headDim / 2), scale: 1 }]; // the second turns nothing
  return {
    ropes: ropes.slice(0, Math.max(...layerRopes) + 1),
    layerRopes,
    windows: readWindows(config, family, layerRopes),
  };
}

/** Which layers are local, as 1, [layers]. */
function readLocal(config: Record<string, unknown>, layers: number): number[] {
  const types = typesOf(config, layers);
  if (types) return types.map((type) => type === "sliding_attention" ? 1 : 0);
  const every = config.sliding_window_pattern;
  if (!isInteger(every, 1, 2 ** 31 - 1)) refuseFile("sliding_window_pattern must be a positive integer", every);
  return Array.from({ length: layers }, (_, layer) => (layer + 1) % every === 0 ? 0 : 1);
}

/** Settings of rope of layers that see everything, and of local ones, in either spelling. */
function ropesOf(config: Record<string, unknown>): Record<"full" | "local", Record<string, unknown>> {
  const both = config.rope_parameters ?? {};
  if (!isRecord(both)) refuseFile("rope_parameters must be an object", both);
  const of = (kind: string, more: unknown): Record<string, unknown> => ({
    original_max_position_embeddings: config.original_max_position_embeddings,
    rope_parameters: { ...both[kind] ?? {}, ...more ?? {} },
  });
  return {
    full: { rope_theta: config.rope_theta ?? 1e6, ...of("full_attention", config.rope_scaling) },
    local: { rope_theta: config.rope_local_base_freq ?? 1e4, ...of("sliding_attention", null) },
  };
}

/** layer_types; null where there is none. */
function typesOf(config: Record<string, unknown>, layers: number): string[] | null {
  const types = config.layer_types ?? null;
  const known = (type: unknown) => type === "sliding_attention" || type === "full_attention";
  if (types === null || Array.isArray(types) && types.length === layers && types.every(known)) {
    return types as string[] | null;
  }
  refuseFile(`layer_types must name sliding_attention or full_attention for each of ${layers} layers`, types);
}

/**
 * Window of every layer, [layers] in positions, 0 where a layer sees everything.
 * @param apart 1 for those that have one where the file names none, [layers]
 */
function readWindows(config: Record<string, unknown>, family: Family, apart: readonly number[]): number[] {
  const layers = apart.length;
  const all = new Array<number>(layers).fill(0);
  const asked = family.windows === "named layers" || family.windows === "asked";
  if (family.windows === "none") return all;
  if (asked && (config.use_sliding_window ?? false) !== true) {
    if (typeof (config.use_sliding_window ?? false) === "boolean") return all;
    refuseFile("use_sliding_window must be true or false", config.use_sliding_window);
  }
  const window = config.sliding_window === undefined ? family.window : config.sliding_window;
  if (window === null) return all;
  if (!isInteger(window, 1, 2 ** 31 - 1)) refuseFile("sliding_window must be a positive integer or null", window);
  if (family.windows === "every layer" || family.windows === "asked") return all.fill(window);

  const types = typesOf(config, layers);
  if (types) return types.map((type) => type === "sliding_attention" ? window : 0);
  if (family.windows === "local layers" || family.unturned > 0) return apart.map((one) => one === 1 ? window : 0);
  const first = config.max_window_layers ?? 28; // the layers below it see everything
  if (!isInteger(first, 0, 2 ** 31 - 1)) refuseFile("max_window_layers must be a non-negative integer", first);
  return all.map((_, layer) => layer >= first ? window : 0);
}

/** Which of two ways of turning is a layer's, [layers]: 0 by positions, 1 not at all. */
function readLayerRopes(config: Record<string, unknown>, { unturned }: Family, layers: number): number[] {
  const all = new Array<number>(layers).fill(0);
  if (unturned === 0) return all;
  const turned = config.no_rope_layers; // 1 where positions turn
  if (turned === undefined || turned === null) {
    const every = config.no_rope_layer_interval ?? unturned;
    if (!isInteger(every, 1, 2 ** 31 - 1)) refuseFile("no_rope_layer_interval must be a positive integer", every);
    return all.map((_, layer) => (layer + 1) % every === 0 ? 1 : 0);
  }
  if (!Array.isArray(turned) || turned.length < layers || !turned.every((one) => one === 0 || one === 1)) {
    refuseFile(`no_rope_layers must have 0 or 1 for each of ${layers} layers`, turned);
  }
  return all.map((_, layer) => 1 - turned[layer]);
}

export function isInteger(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
