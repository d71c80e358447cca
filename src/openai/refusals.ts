/** How a request is refused: kvcap's one sentence, in the form that clients of the OpenAI API read. */
import { type ErrorCode, KvcapError, nearest, plain, reasonOf, show, Words } from "../errors.ts";

/** What is said of a refusal besides its sentence. */
export interface RefusalParts {
  /** HTTP's number for it. Default 400. */
  readonly status?: number;
  /** The field that breaks the rule. */
  readonly param?: string;
  /** What programs tell it by. */
  readonly code?: string;
  /** Names that there are, of which the one found may be a misspelling. */
  readonly names?: readonly string[];
  /** Seconds after which it may be asked again. */
  readonly retryAfter?: number;
}

/** A request that is refused. */
export class RequestError extends Error {
  override name = "RequestError";
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  readonly retryAfter: number | null;

  constructor(message: string, { status = 400, param, code, retryAfter }: RefusalParts = {}) {
    super(message);
    this.status = status;
    this.param = param ?? null;
    this.code = code ?? null;
    this.retryAfter = retryAfter ?? null;
  }

  /** As the API has it: `{ error: { message, type, param, code } }`. */
  get body(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { message, param, code } = this;
    return { error: { message, type: typeOf(this.status), param, code } };
  }
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 404) return "not_found_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** Refuses: "Cannot answer the request: <rule>, got <found>". @throws RequestError always */
export function refuseRequest(rule: string, found: unknown, parts: RefusalParts = {}): never {
  const got = found instanceof Words ? found.text : show(found);
  const meant = typeof found === "string" ? nearest(found, parts.names ?? []) : undefined;
  const reason = reasonOf({ rule: plain(rule), got: plain(got), ...(meant === undefined ? {} : { meant }) });
  throw new RequestError(`Cannot answer the request: ${reason}`, parts);
}

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = { "wrong-state": 409, "no-memory": 503 };
const OURS: readonly ErrorCode[] = ["device", "bad-numbers", "bad-file"];
const STORES: readonly ErrorCode[] = ["unreadable", "unreachable"]; // whose sentences say where they are

/** What a client is told of an error: kvcap's own sentence, or that something failed, and nothing of what or where. */
export function requestErrorOf(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof KvcapError) {
    const { code, option, message, action } = error;
    if (STORES.includes(code)) {
      const sentence = "Cannot keep conversations: their store must answer, got an error";
      return new RequestError(sentence, { status: 503, code, retryAfter: 1 });
    }
    const isAsked = option !== undefined || action === "chat" && code === "bad-file"; // a template, or what it makes of the messages
    const status = isAsked ? 400 : STATUS[code] ?? (OURS.includes(code) ? 500 : 400);
    return new RequestError(message, { status, code, ...(option === undefined ? {} : { param: snakeCase(option) }) });
  }
  return new RequestError("Cannot answer the request: something failed that must not", {
    status: 500,
    code: "internal",
  });
}

/** Whether who runs the service should hear of an error. */
export function isFailure(error: unknown): boolean {
  const { status, code } = requestErrorOf(error);
  return !(error instanceof RequestError) && status >= 500 && code !== "no-memory";
}

/** An option's name as the API writes it: "max_new_tokens". */
export function snakeCase(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
