/** Models as an object of the shape of the package `openai`'s client, in this process: no server, no network. */
import { known } from "../options/check.ts";
import type { GenerateOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import { refuse, words } from "../errors.ts";
import { checkGenerate } from "../options/index.ts";
import type { Model } from "../session/model.ts";
import { answerRequest } from "./fetch.ts";
import { type Hosted, usualChunk, usualSession } from "./hosted.ts";
import { type Client, clientOver } from "./over-fetch.ts";
import { type Limits, Service } from "./service.ts";

/** How models are asked. */
export interface ClientOptions {
  /** How caches are kept where a request does not say. Default: 512 slots, `positions: "cache"`. */
  readonly session?: SessionOptions;
  /** How texts go where a request does not say. Default: as the model's files say, at temperature 1 where they do not. */
  readonly generate?: GenerateOptions;
  /** Requests answered at once; the others wait. Default 4. */
  readonly parallel?: number;
  /** Bytes of all sessions: conversations that were not asked for longest go first. Default 1 GB. */
  readonly memory?: number;
}

const LIMITS: Limits = {
  ...{ parallel: 4, waiting: 10_000, tokens: 4096, prompt: 10_000_000, memory: 1e9 },
  time: 2 ** 31 - 1, // as long as a timer may
};

/**
 * An object of the shape of the package `openai`'s client. Conversations go on in their caches, as `kvcap serve` has them: docs/serving.md.
 * @param models one, which is called "kvcap", or several by their names
 * @throws RangeError for an option that is unknown or out of range, or no model
 */
export function openai(models: Model | Readonly<Record<string, Model>>, options: ClientOptions = {}): Client {
  known("make the client", options, ["session", "generate", "parallel", "memory"]);
  const { session = {}, generate = {}, parallel = LIMITS.parallel, memory = LIMITS.memory } = options;
  for (const [option, value] of Object.entries({ parallel, memory })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    refuse("make the client", `${option} must be a whole number from 1 on`, value, { option });
  }
  if (typeof session !== "object" || session === null) {
    refuse("make the client", "session must be an object", session, { option: "session" });
  }
  const named = isModel(models) ? { kvcap: models } : models ?? {};
  const other = Object.entries(named).find(([, model]) => !isModel(model));
  if (other) refuse("make the client", `${other[0]} must be a model`, words(typeof other[1]), { kind: "type" });
  const since = Math.floor(Date.now() / 1000);
  const hosted = Object.entries(named).map(([name, model]): Hosted => ({
    name,
    model,
    session: usualSession(session),
    chunk: usualChunk(model),
    generate,
    since,
  }));
  if (hosted.length === 0) refuse("make the client", "there must be a model", words("none"));
  for (const { model, session } of hosted) {
    model.sessionBytes(session); // refuses now what every request would be refused for
    checkGenerate(generate, model.config.vocab);
  }
  const service = new Service(hosted, { ...LIMITS, parallel, memory });
  return clientOver((input, init) => answerRequest(service, new Request(input, init)), () => service.close());
}

const isModel = (models: Model | Readonly<Record<string, Model>> | null): models is Model =>
  typeof models?.session === "function";
