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
  /** Seconds since 1970 at which it was loaded. */
  readonly since: number;
}

const BUDGET = 512; // slots

/** How caches are kept where nobody says otherwise: so that a conversation may go on for ever. */
export function usualSession(asked: SessionOptions): SessionOptions {
  return asked.policy === "full" ? asked : { budget: BUDGET, positions: "cache", ...asked };
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
