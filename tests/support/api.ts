// A server of the OpenAI API in this process, with the shipped model, which a template of its own teaches to talk.

import OpenAI from "openai";
import { load } from "../../src/load.ts";
import type { Hosted } from "../../src/openai/hosted.ts";
import { type Limits, Service } from "../../src/openai/service.ts";
import type { Store } from "../../src/openai/store.ts";
import type { SessionOptions } from "../../src/options/session.ts";
import { breathe } from "../../src/serve/breathe.ts";
import { type Door, makeApp } from "../../src/serve/app.ts";
import { listen, type Listener } from "../../src/serve/listen.ts";
import { copyTalking } from "./command.ts";

export const LIMITS: Limits = { parallel: 4, waiting: 64, tokens: 256, prompt: 4096, memory: 1e9, time: 60_000 };
const OPEN: Door = { keys: null, body: 1e6, origins: [], hosts: ["127.0.0.1", "localhost"], onFailure: () => {} };

/** How a server is to be. */
export interface Setup {
  readonly session?: SessionOptions;
  readonly limits?: Partial<Limits>;
  readonly door?: Partial<Door>;
  readonly store?: Store | null;
}

/** A server that listens, and what asks it. */
export interface Api {
  readonly url: string; // ends in /v1
  readonly client: OpenAI;
  readonly service: Service;
  readonly hosted: Hosted;
  readonly failures: unknown[];
  /** Posts JSON, or a text as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

let folder: Promise<string> | null = null;

/** The shipped model, with a chat template. */
export async function talkingModel(): Promise<string> {
  folder ??= Deno.makeTempDir().then(async (at) => {
    await copyTalking(at);
    const file = `${at}/chat_template.jinja`; // which speaks of tools, as those that know them do
    const tools = "{% if tools %}{{ 'tools: ' ~ (tools | length) ~ eos_token }}{% endif %}";
    await Deno.writeTextFile(file, (await Deno.readTextFile(file)).replace("{% for", `${tools}{% for`));
    return at;
  });
  return await folder;
}

export async function openApi({ session = {}, limits = {}, door = {}, store = null }: Setup = {}): Promise<Api> {
  const model = await load(await talkingModel(), { device: "wasm" });
  const manner = { budget: 64, positions: "cache" as const, ...session };
  const hosted: Hosted = { name: "fable", model, session: manner, generate: {}, since: 1 };
  const service = new Service([hosted], { ...LIMITS, ...limits }, { store, breathe });
  const failures: unknown[] = [];
  const app = makeApp(service, { ...OPEN, onFailure: (error) => failures.push(error), ...door }, { ready: () => true });
  const listener: Listener = await listen(app, { host: "127.0.0.1", port: 0, connections: 256 });
  const url = `http://127.0.0.1:${listener.port}/v1`;
  return {
    ...{ url, service, hosted, failures },
    client: new OpenAI({ baseURL: url, apiKey: "none-is-needed-here", maxRetries: 0 }),
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    stop: async () => {
      await listener.end(0);
      service.close();
      model.dispose();
    },
  };
}

/** What a request that is refused says. */
export async function refusal(answer: Response): Promise<{ status: number; message: string; code: string | null }> {
  const { error } = await answer.json();
  return { status: answer.status, message: error.message, code: error.code };
}

/** Works with an API, and stops it whatever happens. */
export async function withApi(setup: Setup, work: (api: Api) => Promise<void>): Promise<void> {
  const api = await openApi(setup);
  try {
    await work(api);
  } finally {
    await api.stop();
  }
}
