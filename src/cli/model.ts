/** The model that a command line names, loaded as it says. */
import { load, type Model } from "../model.ts";
import { checkLoad, type LoadOptions } from "../options.ts";
import { Progress } from "../terminal.ts";
import { type Arguments, checked, SHIPPED } from "./usage.ts";

/** Flags that say which model runs, and how it is loaded. */
export const MODEL_FLAGS = ["model", "weights"] as const;

/** Reads them. @throws Usage */
export function modelJob(args: Arguments): () => Promise<Model> {
  const options = { weights: args.text("weights") } as LoadOptions;
  checked(() => checkLoad(options));
  return async () => {
    const progress = new Progress();
    const onProgress = (done: number, total: number) => progress.show("loading", done, total);
    return await load(args.text("model") ?? SHIPPED, { ...options, onProgress }).finally(() => progress.clear());
  };
}
