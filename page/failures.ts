/** What went wrong, in a plain sentence, and a way on. */

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
  readonly name: string; // of the error
  readonly message: string;
  readonly lost: boolean; // the GPU no longer works
  readonly webgpu: boolean; // this browser knows WebGPU
}

/** What the error of a worker is called that could not begin. */
export const NOT_STARTED = "NotStarted";

/** A model runs, but its files are not kept. */
export function explainUnkept(warning: string): string {
  const why = /quota|no space/i.test(warning)
    ? "There is no room left on this disk for the model’s files"
    : "This browser does not keep the model’s files";
  return `${why}: it runs, and is fetched again the next time.`;
}

export function explain({ during, name, message, lost, webgpu }: Failed): Trouble {
  const has = (...words: string[]) => words.some((word) => `${name} ${message}`.toLowerCase().includes(word));
  const rule = message.replace(/^Cannot [a-z ]+: /i, "").replace(/\.$/, "");
  const said = ` (${rule})`;
  if (name === NOT_STARTED) {
    return { text: `The part of the page that runs models could not begin${said}.`, way: "retry" };
  }
  if (has("must offer an adapter")) {
    const text = webgpu
      ? "This browser knows WebGPU, but offers no GPU: turn on hardware acceleration in its settings, or update the graphics driver."
      : "This browser has no WebGPU, which the model runs on: Chrome, Edge, or a new Safari or Firefox has it.";
    return { text, way: "retry" };
  }
  if (has("cannot open the gpu")) {
    return { text: `This GPU is too small for the model’s kernels${said}.`, way: "retry" };
  }
  if (lost || has("device was lost")) {
    return {
      text: "The GPU was lost: its driver restarted, or it was needed elsewhere. The text stays here.",
      way: "retry",
    };
  }
  if (
    has("bytes of weights", "rangeerror: array buffer allocation", "out of memory", "array buffer allocation failed")
  ) {
    return {
      text: "The model does not fit into this machine’s memory: a smaller one, or one with fewer bits, may.",
      way: "model",
    };
  }
  if (during === "run" && has("the gpu must hold")) {
    return { text: "The GPU has no room for a cache of this size: a smaller budget or stride fits.", way: "settings" };
  }
  if (has("this adapter holds at most", "largest binding", "within 2 gib of books")) {
    return {
      text: `This machine cannot hold that much in one piece${
        has("at most") ? said : ""
      }: a smaller budget or stride fits.`,
      way: "settings",
    };
  }
  if (has("must be reachable")) {
    return {
      text: `The model’s address does not answer, or does not allow other pages to read it${said}.`,
      way: "model",
    };
  }
  if (during === "load") return { text: `This is no model that runs here${said}.`, way: "model" };
  const text = `${rule.charAt(0).toUpperCase()}${rule.slice(1)}.`;
  return { text, way: /^(RangeError|TypeError)$/.test(name) ? "settings" : "retry" };
}
