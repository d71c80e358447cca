/** The API as a `fetch`: for clients of the API in the same page, and for workers that answer a page's requests. */
import { eventsOf } from "./events.ts";
import { listModels, oneModel } from "./models.ts";
import { refuseRequest, requestErrorOf } from "./refusals.ts";
import { ROUTES, wantsStream } from "./routes.ts";
import type { Caller, Service } from "./service.ts";

const MODEL = /^\/v1\/models\/(.+)$/;

/** Answers a request whose path ends as one of the API's does. What is refused is an answer, too; only who goes away gets none. */
export async function answerRequest(service: Service, request: Request, owner = ""): Promise<Response> {
  const { signal } = request, path = pathOf(request.url);
  const caller: Caller = { owner, client: owner, signal };
  try {
    if (request.method === "GET") return Response.json(found(service, path));
    const route = request.method === "POST" ? ROUTES[path] : undefined;
    if (!route) refuseRequest("there must be such a path", `${request.method} ${path}`, { status: 404 });
    const body = await bodyOf(request);
    if (!route.chunks || !wantsStream(body)) return Response.json(await route.whole(service, body, caller));
    return await eventsOf(route.chunks(service, body, caller), { signal, onFailure: () => {} });
  } catch (error) {
    signal.throwIfAborted();
    const refused = requestErrorOf(error);
    const headers: Record<string, string> = refused.retryAfter === null
      ? {}
      : { "retry-after": String(refused.retryAfter) };
    return Response.json(refused.body, { status: refused.status, headers });
  }
}

function found(service: Service, path: string): object {
  if (path === "/v1/models") return listModels(service);
  const [, name] = MODEL.exec(path) ?? [];
  if (name === undefined) refuseRequest("there must be such a path", `GET ${path}`, { status: 404 });
  return oneModel(service, decoded(name));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // a % that begins nothing
  }
}

/** A path from /v1 on, wherever that is. */
function pathOf(url: string): string {
  const { pathname } = new URL(url);
  const at = pathname.lastIndexOf("/v1/");
  return at < 0 ? pathname : pathname.slice(at);
}

async function bodyOf(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    request.signal.throwIfAborted();
    return refuseRequest("a body must be JSON", "other bytes");
  }
}
