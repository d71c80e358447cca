/**
 * kvcap/service-worker: the OpenAI API at a path of a page's own origin, answered by its service worker: any client in the page that
 * takes a base URL may ask it, and all tabs share the models.
 *
 * @example service-worker.js
 * ```ts
 * import { load } from "kvcap";
 * import { openai } from "kvcap/openai";
 * import { answerFetches } from "kvcap/service-worker";
 *
 * let client;
 * answerFetches(self, () => client ??= load("smollm2-135m").then((model) => openai(model)));
 * ```
 *
 * @example In the page
 * ```ts
 * await navigator.serviceWorker.register("service-worker.js", { type: "module" });
 * const answer = await fetch("/v1/models"); // once it controls the page
 * ```
 * @module
 */
import type { Client } from "../openai/over-fetch.ts";

/** A request that a service worker may answer. */
export interface Fetching extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

/**
 * Answers the page's requests to this origin whose path begins so.
 * @param scope the service worker's `self`
 * @param client makes what answers, kvcap/openai's client, at the first request: a service worker is ended and begun again as the
 *   browser likes
 * @param path default "/v1/"
 */
export function answerFetches(
  scope: { addEventListener(type: "fetch", listener: (event: Fetching) => void): void },
  client: () => Client | Promise<Client>,
  path = "/v1/",
): void {
  scope.addEventListener("fetch", (event) => {
    const { origin, pathname } = new URL(event.request.url);
    if (origin !== location.origin || !pathname.startsWith(path)) return;
    event.respondWith(answered(client, event.request));
  });
}

async function answered(client: () => Client | Promise<Client>, request: Request): Promise<Response> {
  try {
    return await (await client()).fetch(request);
  } catch (error) {
    request.signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return Response.json({ error: { message, type: "server_error", param: null, code: null } }, { status: 503 });
  }
}
