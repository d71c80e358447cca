/** What went wrong, in a plain sentence, and a way on. */
import type { Unkept } from "../src/files/cache/store.ts";
import { type ToldError, whyOf } from "./protocol.ts";

/** What the visitor may do about it. */
export type Way = "retry" | "model" | "settings";

export interface Trouble {
  readonly text: string;
  readonly way: Way;
}

export const WAYS: Record<Way, string> = {
  retry: "Load the model again",
  model: "Choose another model",
  settings: "Go to the settings",
};

/** What the worker said. */
export interface Failed {
  readonly during: "load" | "run";
  readonly error: ToldError;
  readonly lost: boolean; // the GPU no longer works
  readonly webgpu: boolean; // this browser knows WebGPU
  readonly adapter: boolean; // and offers a GPU
}

/** What the error of a worker is called that could not begin. */
export const NOT_STARTED = "NotStarted";
/** And of one that did not hear that it was to stop. */
export const DEAF = "Deaf";

/** A model runs, but its files are not kept. */
export function explainUnkept(unkept: Unkept): string {
  const why = unkept === "full"
    ? "There is no room left on this disk for the model’s files"
    : "This browser does not keep the model’s files";
  return `${why}: it runs, and is fetched again the next time.`;
}

export function explain({ during, error, lost, webgpu, adapter }: Failed): Trouble {
  const { code, action, name, option } = error;
  const why = whyOf(error).replace(/\.$/, "");
  const said = ` (${why})`;
  if (name === NOT_STARTED) {
    return { text: `The part of the page that runs models could not begin${said}.`, way: "retry" };
  }
  if (name === DEAF) {
    const text = "What ran did not answer: it was ended, and the model is loaded again. The prompt is here still.";
    return { text, way: "settings" };
  }
  if (code === "device" && action === "open the GPU") {
    if (adapter) return { text: `This GPU is too small for the model’s kernels${said}.`, way: "retry" };
    const text = webgpu
      ? "This browser knows WebGPU, but offers no GPU: turn on hardware acceleration in its settings, or update the graphics driver."
      : "This browser has no WebGPU, which the model runs on: Chrome, Edge, or a new Safari or Firefox has it.";
    return { text, way: "retry" };
  }
  if (lost || code === "device") {
    return {
      text: "The GPU was lost: its driver restarted, or it was needed elsewhere. The text stays here.",
      way: "retry",
    };
  }
  // A RangeError that is not ours is an allocation's.
  if (during === "load" && (code === "no-memory" || code === undefined && name === "RangeError")) {
    return {
      text: "The model does not fit into this machine’s memory: a smaller one, or one with fewer bits, may.",
      way: "model",
    };
  }
  if (code === "no-memory" || code === undefined && name === "RangeError") {
    const text = name === "RangeError" // known before it was tried
      ? `This machine cannot hold that much in one piece${option ? said : ""}: a smaller budget or stride fits.`
      : "The GPU has no room for a cache of this size: a smaller budget or stride fits.";
    return { text, way: "settings" };
  }
  if (code === "unreachable") {
    return {
      text: `The model’s address does not answer, or does not allow other pages to read it${said}.`,
      way: "model",
    };
  }
  if (during === "load") return { text: `This is no model that runs here${said}.`, way: "model" };
  const text = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
  return { text, way: name === "RangeError" || name === "TypeError" ? "settings" : "retry" };
}
