/** Conversations kept on a Redis server, so that any replica goes on with them. */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { messageOf, quote, refuse } from "../errors.ts";
import type { Kept, Store } from "../openai/store.ts";
import { redisOptions } from "./redis-url.ts";

const PREFIX = "kvcap:conversation:";
const KEPT = 30 * 86_400; // seconds that a conversation stays there after its last answer
const PATIENCE = 5_000; // ms that an answer is waited for

export class RedisStore implements Store {
  readonly what: string;
  readonly #redis: Redis;

  private constructor(redis: Redis, what: string) {
    this.#redis = redis;
    this.what = what;
  }

  /** @throws KvcapError where no server answers */
  static async open(url: URL): Promise<RedisStore> {
    const redis = new Redis({
      ...redisOptions(url),
      ...{ lazyConnect: true, commandTimeout: PATIENCE, connectTimeout: PATIENCE, maxRetriesPerRequest: 1 },
      retryStrategy: (tries) => Math.min(100 * tries, 2_000),
    });
    let heard: unknown = null;
    redis.on("error", (error) => heard = error); // it connects again, and goes on
    try {
      await redis.connect();
      await redis.ping();
    } catch (error) {
      redis.disconnect();
      const more = { code: "unreachable", kind: "plain" } as const;
      refuse("keep conversations", `a Redis server must answer at ${url.host}`, quote(messageOf(heard ?? error)), more);
    }
    return new RedisStore(redis, `the Redis server at ${url.host}`);
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const more = { code: "unreachable", kind: "plain" } as const;
      return refuse("keep conversations", `${this.what} must answer`, quote(messageOf(error)), more);
    }
  }

  version(name: string): Promise<string | null> {
    return this.#try(() => this.#redis.hget(PREFIX + name, "version"));
  }

  read(name: string): Promise<Kept | null> {
    return this.#try(async () => {
      const [bytes, version] = await this.#redis.hmgetBuffer(PREFIX + name, "bytes", "version");
      return bytes && version ? { bytes, version: version.toString() } : null;
    });
  }

  write(name: string, bytes: Uint8Array): Promise<string> {
    return this.#try(async () => {
      const version = randomUUID(), key = PREFIX + name;
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const done = await this.#redis.multi().hset(key, { bytes: body, version }).expire(key, KEPT).exec();
      const failed = done?.find(([error]) => error)?.[0];
      if (!done || failed) throw failed ?? new Error("it took nothing");
      return version;
    });
  }

  async remove(name: string): Promise<void> {
    await this.#try(() => this.#redis.unlink(PREFIX + name));
  }

  async close(): Promise<void> {
    await this.#redis.quit().catch(() => {});
  }
}
