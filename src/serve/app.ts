/** The OpenAI API over HTTP: routes, who may ask, how much at once, and answers that come piece by piece. */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { eventsOf } from "../openai/events.ts";
import { listModels, oneModel } from "../openai/models.ts";
import { isFailure, refuseRequest, RequestError, requestErrorOf } from "../openai/refusals.ts";
import { ROUTES, wantsStream } from "../openai/routes.ts";
import { detokenize, tokenize, tokenizerInfo } from "../openai/tokens.ts";
import type { Caller, Service } from "../openai/service.ts";
import type { Keys } from "./keys.ts";
import { Answers, metrics } from "./metrics.ts";

/** Who may ask, and for how much. */
export interface Door {
  /** Keys that may ask; null: anybody. */
  readonly keys: Keys | null;
  /** Bytes of a body. */
  readonly body: number;
  /** Origins of pages that may ask, "*": any; none: no page may. */
  readonly origins: readonly string[];
  /** Names that the server is asked by, ports aside; null: any. Where it listens to this machine alone, a page elsewhere may not make its name lead here. */
  readonly hosts: readonly string[] | null;
  /** Hears of what failed that must not. */
  readonly onFailure: (error: unknown) => void;
}

/** A server's state: whether it takes requests. */
export interface State {
  readonly ready: () => boolean;
}

type Ask<T> = (service: Service, body: unknown, caller: Caller) => T;

/** What answers requests; a Fetch handler, for any server. */
export function makeApp(service: Service, door: Door, { ready }: State): Hono {
  const app = new Hono();
  const answers = new Answers();
  const { keys, body, origins, hosts, onFailure } = door;

  app.use(async (c, next) => {
    await next();
    answers.add(routeOf(c), c.res.status);
    c.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(async (c, next) => {
    checkHost(c, hosts);
    await next();
  });
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => ready() ? c.json({ status: "ready" }) : c.json({ status: "ending" }, 503));
  if (origins.length > 0) {
    app.use(
      // Whatever headers a client sends: the package openai tells of itself in a dozen.
      cors({ origin: origins.includes("*") ? "*" : [...origins], exposeHeaders: ["retry-after"] }),
    );
  }
  app.use(async (c, next) => {
    const origin = c.req.header("origin");
    if (origin !== undefined && !origins.includes("*") && !origins.includes(origin) && !isSame(origin, c)) {
      refuseRequest("a page that asks must be of an origin that is allowed", origin, { status: 403, code: "origin" });
    }
    if (keys && ownerOf(c, keys) === null) {
      refuseRequest("there must be an API key that is known, as Authorization: Bearer KEY", "another, or none", {
        status: 401,
        code: "invalid_api_key",
      });
    }
    await next();
  });
  app.get("/metrics", (c) => c.text(metrics(service, answers)));
  app.get("/v1/models", (c) => c.json(listModels(service)));
  app.get("/v1/models/:model{.+}", (c) => c.json(oneModel(service, c.req.param("model"))));

  const checkReady = () => {
    const parts = { status: 503, code: "ending", retryAfter: 1 };
    if (!ready()) refuseRequest("the server must not be ending", "one that is", parts);
  };
  for (const [path, { whole, chunks }] of Object.entries(ROUTES)) {
    app.post(path, async (c) => {
      checkReady();
      const asked = await bodyOf(c, body), caller = callerOf(c, keys);
      if (!chunks || !wantsStream(asked)) return c.json(await whole(service, asked, caller));
      return await eventsOf(chunks(service, asked, caller), { signal: caller.signal, onFailure, closed: true });
    });
  }
  const sync = (path: string, ask: Ask<object>) =>
    app.post(path, async (c) => c.json(ask(service, await bodyOf(c, body), callerOf(c, keys))));
  sync("/tokenize", tokenize);
  sync("/detokenize", detokenize);
  app.get("/tokenizer_info", (c) => c.json(tokenizerInfo(service)));

  app.notFound((c) => {
    const path = c.req.path.slice(0, 200);
    return c.json(
      new RequestError(`Cannot answer the request: there must be such a path, got ${c.req.method} ${path}`, {
        status: 404,
      }).body,
      404,
    );
  });
  app.onError((error, c) => {
    if (c.req.raw.signal.aborted) return c.body(null, 499 as 400); // nobody hears it
    const refused = requestErrorOf(error);
    if (isFailure(error)) onFailure(error);
    if (refused.retryAfter !== null) c.header("retry-after", String(refused.retryAfter));
    if (refused.status === 401) c.header("www-authenticate", "Bearer");
    return c.json(refused.body, refused.status as 400);
  });
  return app;
}

/** A route's name for metrics: none that a client makes up. */
function routeOf(c: Context): string {
  const { path, method } = c.req;
  const known = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/metrics",
    "/healthz",
    "/readyz",
  ];
  return `${["GET", "POST"].includes(method) ? method : "other"} ${known.find((one) => path === one) ?? "other"}`;
}

function checkHost(c: Context, hosts: readonly string[] | null): void {
  const host = (c.req.header("host") ?? "").replace(/:\d*$/, "").toLowerCase();
  if (hosts === null || hosts.includes(host)) return;
  refuseRequest(`the server must be asked by one of its names (${hosts.join(", ")})`, host, {
    status: 421,
    code: "host",
  });
}

const isSame = (origin: string, c: Context) => origin.replace(/^https?:\/\//, "") === c.req.header("host");

/** Whose the request's key is. */
function ownerOf(c: Context, keys: Keys): string | null {
  const [, key] = /^Bearer\s+(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  return key === undefined ? null : keys.owner(key);
}

function callerOf(c: Context, keys: Keys | null): Caller {
  const owner = keys ? ownerOf(c, keys)! : "";
  const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  const client = owner || incoming?.socket?.remoteAddress || "";
  return { owner, client, signal: c.req.raw.signal };
}

/** @param most bytes */
async function bodyOf(c: Context, most: number): Promise<unknown> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
    refuseRequest("a body must be of type application/json", c.req.header("content-type") ?? "none", { status: 415 });
  }
  const text = await textOf(c, most);
  try {
    return JSON.parse(text);
  } catch {
    return refuseRequest("a body must be JSON", text);
  }
}

/** A body's text, whose length may be said before, or not: it may come in chunks. */
async function textOf(c: Context, most: number): Promise<string> {
  const tooLong = (): never => refuseRequest(`a body must have at most ${most} bytes`, "more", { status: 413 });
  const said = c.req.header("content-length");
  if (said !== undefined && c.req.header("transfer-encoding") === undefined) {
    return Number(said) > most ? tooLong() : await c.req.text();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    length += chunk.length;
    if (length > most) tooLong();
    chunks.push(chunk);
  }
  return await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
}
