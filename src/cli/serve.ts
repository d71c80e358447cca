/** The command `serve`: the OpenAI API over HTTP, for any client. */
import { setTimeout as later } from "node:timers/promises";
import { messageOf, refuse, words } from "../errors.ts";
import { type Limits, Service } from "../openai/service.ts";
import type { Store } from "../openai/store.ts";
import { parseBudget } from "../options/text.ts";
import { type Door, makeApp } from "../serve/app.ts";
import { FolderStore } from "../serve/folder-store.ts";
import { breathe } from "../serve/breathe.ts";
import { Keys } from "../serve/keys.ts";
import { listen } from "../serve/listen.ts";

import type { Command } from "./command.ts";
import type { OwnFlag } from "./flags.ts";
import { readTextFile } from "./input.ts";
import { MODEL_FLAGS } from "./model.ts";
import { loaded, placesOf } from "./served.ts";
import { end, whenEnded } from "./signals.ts";
import { note, printJson } from "./terminal.ts";
import { type Arguments, misused, SESSION_FLAGS, TEXT_FLAGS } from "./usage.ts";

const TOKENS = 4096; // of an answer
const ANSWERING = 2_000; // ms that the last answers may take to be read
const TWICE = 500; // ms within which a signal that comes again is the same one
const SETTLING = 10_000; // ms that conversations may take to be kept
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]; // as requests name it

async function serve(args: Arguments): Promise<number> {
  args.none("serve");
  const places = await placesOf(args), limits = limitsOf(args);
  const host = (args.text("host") ?? "127.0.0.1").replace(/^\[(.+)\]$/, "$1"),
    port = whole(args, "port", 8080, 0, 65_535);
  const connections = whole(args, "connections", 256, 1, 65_535);
  const keyFile = args.text("api-key-file");
  const keys = keyFile === undefined ? null : new Keys(await readTextFile("API keys", keyFile));
  const store = await storeOf(args);
  const models = await loaded(places, limits);

  const named = host.includes(":") ? `[${host}]` : host; // an address of IPv6 stands in brackets
  const service = new Service(models, limits, { store, breathe });
  const door: Door = {
    ...{ keys, body: BODY, origins: originsOf(args), hosts: LOOPBACK.includes(named) ? LOOPBACK : null },
    onFailure: (error) =>
      note(`Something failed that must not: ${error instanceof Error ? error.stack : messageOf(error)}`),
  };
  let ending = false;
  const listener = await listen(makeApp(service, door, { ready: () => !ending }), { host, port, connections });
  const url = `http://${named}:${listener.port}/v1`;
  if (args.has("json")) printJson({ url, models: models.map(({ name }) => name) });
  else {
    const names = models.map(({ name }) => name).join(", ");
    const whom = keys ? "" : LOOPBACK.includes(named) ? ", for this machine" : ", FOR ANYBODY WHO REACHES IT";
    note(`${names} at ${url}${whom} (Ctrl-C ends it)`);
  }

  return await new Promise<number>((resolve, reject) => {
    let asked = 0; // when it was asked to end
    const ended = async () => {
      const under = () => service.queue.running + service.queue.waiting > 0;
      for (const until = Date.now() + limits.time; under() && Date.now() < until;) await later(20);
      await listener.end(ANSWERING);
      for (const until = Date.now() + SETTLING; under() && Date.now() < until;) await later(20); // what was left is kept
      service.close();
      for (const { model } of models) model.dispose();
      await store?.close();
      resolve(0);
    };
    whenEnded((code) => {
      if (ending && Date.now() - asked < TWICE) return; // by the same person, through npm
      if (ending) end(code);
      [ending, asked] = [true, Date.now()];
      if (service.queue.running > 0) note(`(${service.queue.running} answers are being finished; again: ends at once)`);
      ended().catch(reject);
    });
  });
}

const BODY = 4_000_000; // bytes

/** Origins whose pages may ask. @throws Usage */
function originsOf(args: Arguments): string[] {
  const origins = args.list("cors") ?? [];
  const wrong = origins.find((one) => one !== "*" && !(URL.canParse(one) && new URL(one).origin === one));
  return wrong === undefined ? origins : misused("--cors must be an origin, as https://a.page, or *", wrong);
}

function whole(args: Arguments, flag: OwnFlag, usual: number, least: number, most: number): number {
  const text = args.text(flag) ?? String(usual), value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
  return misused(`--${flag} must be a whole number from ${least} to ${most}`, text);
}

function bytesOf(args: Arguments, flag: OwnFlag, usual: string): number {
  const text = args.text(flag) ?? usual, read = parseBudget(text);
  if (typeof read === "object" && read !== null && "bytes" in read && read.bytes >= 1) return Math.floor(read.bytes);
  return misused(`--${flag} must be bytes (512MB)`, text);
}

function limitsOf(args: Arguments): Limits {
  return {
    parallel: whole(args, "parallel", 4, 1, 64),
    waiting: whole(args, "waiting", 256, 0, 65_535),
    tokens: TOKENS,
    prompt: whole(args, "max-prompt-tokens", 32_768, 1, 10_000_000),
    memory: bytesOf(args, "cache-memory", "1GB"),
    time: 1000 * whole(args, "timeout", 600, 1, 86_400),
  };
}

/** @throws Usage; KvcapError where it cannot be opened */
async function storeOf(args: Arguments): Promise<Store | null> {
  const where = args.text("store");
  if (where === undefined) {
    if (args.has("store-size")) misused("--store-size must stand beside --store", args.text("store-size"));
    return null;
  }
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(where)) return await FolderStore.open(where, bytesOf(args, "store-size", "10GB"));
  const url = URL.canParse(where) ? new URL(where) : null;
  if (!url || !/^rediss?:$/.test(url.protocol) || !/^\/?\d*$/.test(url.pathname)) {
    misused("--store must be a folder, or redis://HOST[:PORT][/NUMBER]", where.replace(/\/\/[^@/]*@/, "//…@"));
  }
  const { RedisStore } = await import("../serve/redis-store.ts").catch((error) => {
    const more = { kind: "plain", code: "unsupported", cause: error } as const;
    return refuse("keep conversations", "ioredis must be installed beside kvcap", words("none"), more);
  });
  return await RedisStore.open(url);
}

export const serveCommand: Command = {
  run: serve,
  takes: "",
  about: "the OpenAI API over HTTP, whose conversations go on for ever in their budget",
  flags: [
    ...MODEL_FLAGS,
    ...SESSION_FLAGS,
    ...TEXT_FLAGS,
    ...[
      "models",
      "set",
      "host",
      "port",
      "parallel",
      "waiting",
      "max-prompt-tokens",
      "cache-memory",
      "timeout",
      "connections",
    ],
    ...["api-key-file", "cors", "store", "store-size"],
  ],
  defaults: true,
  examples: [
    ["serve --model smollm2-135m --port 8080", "then any client of the OpenAI API at http://127.0.0.1:8080/v1"],
    ["serve --model smollm2-135m --store conversations", "whose conversations go on when it is started again"],
    [
      "serve --models a=smollm2-135m,b=fable-2m --set a.budget=256 --set b.policy=h2o",
      "two models, each its own cache",
    ],
  ],
};
