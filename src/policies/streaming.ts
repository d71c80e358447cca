import { recency } from "./recency.ts";
import type { Policy } from "./policy.ts";

/**
 * StreamingLLM: Xiao et al., Efficient Streaming Language Models with Attention Sinks, arXiv 2309.17453. The first four
 * tokens stay, of the others the oldest goes.
 *
 * It goes with the session's `positions: "cache"`: the paper counts positions within the cache, and a session does so only
 * where it is told to. A session's own `sinks` (4) and `newest` stand here as for every policy.
 */
export const streaming: Policy = { ...recency, name: "streaming", sinks: 4 };
