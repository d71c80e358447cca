// What a benchmark computes on: `--device=webgpu`, or what `load` takes by itself.
import type { LoadOptions } from "../src/options/load.ts";

export function deviceOf(args: string[]): NonNullable<LoadOptions["device"]> {
  const name = args.find((arg) => arg.startsWith("--device="))?.slice("--device=".length);
  return (name ?? "auto") as "auto" | "webgpu" | "wasm"; // build/start.mjs has looked at it
}
