import { recency } from "./recency.ts";
import type { Policy } from "./policy.ts";

/**
 * StreamingLLM: Xiao et al., Efficient Streaming Language Models with Attention Sinks, arXiv 2309.17453. The first four
 * tokens stay, of the others the oldest goes.
 *
 * Deviates in nothing that the core sees: that positions are those within the cache is the session's `positions: "cache"`.
 */
export const streaming: Policy = { ...recency, name: "streaming", sinks: 4 };
