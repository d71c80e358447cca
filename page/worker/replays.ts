/** What the figures need of recordings, in a script of its own. */
export { overlapOf, spreadOf } from "../../src/recording/figures.ts";
export { REPLAYABLE } from "../../src/recording/options.ts";
export { readRecording } from "../../src/recording/read.ts";
