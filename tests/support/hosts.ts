// The programs that the package is tried in besides Deno. The quick run takes the Node that there is, the full one those of the versions
// that are promised; build/setup.mjs names these, and Bun.
import { full } from "./depth.ts";

const nodes = full
  ? [20, 22].map((major) => [`Node ${major}`, Deno.env.get(`KVCAP_NODE${major}`)])
  : [["Node", "node"]];

/** By what they are called; undefined: there is none here. */
export const HOSTS = [...nodes, ["Bun", Deno.env.get("KVCAP_BUN")]] as [name: string, program: string | undefined][];
