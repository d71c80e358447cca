/** What is asked by POST, and what answers it: for HTTP, a page, and a worker alike. */
import { chatChunks, chatCompletion } from "./chat.ts";
import { completion, completionChunks } from "./completions.ts";
import { embeddings } from "./embeddings.ts";
import { asBody, flag } from "./fields.ts";
import type { Caller, Service } from "./service.ts";

type Ask<T> = (service: Service, body: unknown, caller: Caller) => T;

/** A route: how it answers as a whole, and, where it may, piece by piece. */
export interface Route {
  readonly whole: Ask<Promise<object>>;
  readonly chunks?: Ask<AsyncGenerator<object, void, void>>;
}

export const ROUTES: Readonly<Record<string, Route>> = {
  "/v1/chat/completions": { whole: chatCompletion, chunks: chatChunks },
  "/v1/completions": { whole: completion, chunks: completionChunks },
  "/v1/embeddings": { whole: embeddings },
};

/** Whether a request wants its answer as it comes. @throws RequestError */
export function wantsStream(body: unknown): boolean {
  return flag(asBody(body), "stream");
}
