/**
 * kvcap/worker: models in a worker, asked from pages as if they were there.
 *
 * @example worker.js
 * ```ts
 * import { load } from "kvcap";
 * import { openai } from "kvcap/openai";
 * import { host } from "kvcap/worker";
 *
 * host(self, load("smollm2-135m").then((model) => openai(model)));
 * ```
 *
 * @example In the page
 * ```ts
 * import { connect } from "kvcap/worker";
 *
 * const client = connect(new Worker("worker.js", { type: "module" }));
 * const messages = [{ role: "user", content: "Tell me of the sea." }];
 * console.log((await client.chat.completions.create({ messages })).choices[0].message.content);
 * ```
 * @module
 */
export { connect, type Taking } from "./connect.ts";
export { type Hearing, host } from "./host.ts";
