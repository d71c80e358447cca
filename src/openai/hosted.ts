/** A model that is served, and what sessions of it take. */
import type { GenerateOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import type { Model } from "../session/model.ts";
import type { Session } from "../session/session.ts";
import { ordered } from "./messages.ts";

/** A model, by its name, and what requests that say nothing else get. */
export interface Hosted {
  readonly name: string;
  readonly model: Model;
  readonly session: SessionOptions;
  readonly generate: GenerateOptions;
  /** Tokens that one request may have written, where those are others than the service's. */
  readonly tokens?: number;
  /** Tokens of a chunk in which prompts are read where nobody says otherwise. Default: as sessions have it. */
  readonly chunk?: number | undefined;
  /** Seconds since 1970 at which it was loaded. */
  readonly since: number;
}

const BUDGET = 512; // slots
const CHUNK = 8; // tokens

/** How caches are kept where nobody says otherwise: so that a conversation may go on for ever. */
export function usualSession(asked: SessionOptions): SessionOptions {
  return asked.policy === "full" ? asked : { budget: BUDGET, positions: "cache", ...asked };
}

/**
 * Tokens of a chunk of a prompt: one goes behind each step of those who are being written to. The processor reads no slower in small ones
 * (SmolLM2: 246 tokens a second, 236 in chunks of 64), and they wait an eighth as long; a GPU does.
 */
export function usualChunk(model: Model): number | undefined {
  return model.device.name === "wasm" ? CHUNK : undefined;
}

/** Options with the model's usual chunk, where they do not say another, and would have a larger one. @throws as a session does */
export function inChunks({ model, chunk }: Hosted, options: SessionOptions): SessionOptions {
  const isSized = options.policy === "full" || typeof options.budget === "number"; // else by the prompt
  if (chunk === undefined || options.stride !== undefined || !isSized) return options;
  return model.strideOf(options) > chunk ? { ...options, stride: chunk } : options;
}

/** How a cache is to be kept: the same text for the same options. */
export function mannerOf(options: SessionOptions): string {
  return JSON.stringify(
    ordered(Object.fromEntries(Object.entries(options).filter(([, value]) => typeof value !== "function"))),
  );
}

/** Bytes that a session holds. */
export function heldBytes(session: Session): number {
  const { gpu, wasm } = session.memory();
  return gpu + wasm;
}
