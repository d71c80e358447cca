/** How commands load a model: what its flags say, and the progress of it on a terminal. */
import { checkLoad, type LoadOptions } from "../options/index.ts";
import { flagsOf } from "./flags.ts";
import { note, type Progress } from "./terminal.ts";
import { type Arguments, checked } from "./usage.ts";

/** Flags of every command that loads a model. */
export const MODEL_FLAGS: readonly string[] = ["model", "no-cache", ...flagsOf("load").map(({ name }) => name)];

/** The options of `load`. @throws Usage */
export function loadOptions(args: Arguments, progress: Progress): LoadOptions {
  const options: LoadOptions = {
    ...args.options("load", "load model"),
    cache: !args.has("no-cache"),
    onProgress: (done, total) => progress.show("loading", done, total, "B"),
    onDownload: downloading(progress),
    onWarning: warning(progress),
  };
  checked(() => checkLoad(options));
  return options;
}

/** Shows what a model or a session warns of. */
export function warning(progress: Progress): (message: string) => void {
  return (message) => {
    progress.clear();
    note(message);
  };
}

/** Shows a download. */
export function downloading(progress: Progress): NonNullable<LoadOptions["onDownload"]> {
  return (file, done, total) => progress.show(`downloading ${file}: ${megabytes(done)}`, done, total, "B");
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
