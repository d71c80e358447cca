/** Requests for vectors of texts: POST /v1/embeddings. They are the mean of the last hidden states, of length 1. */
import type { EmbedOptions } from "../options/embed.ts";
import { asBody, type Body, checkFields, flag, IDLE, textOf } from "./fields.ts";
import { idsOf, readPrompts } from "./prompts.ts";
import { refuseRequest } from "./refusals.ts";
import type { Caller, Service } from "./service.ts";

const FIELDS = ["model", "input", "encoding_format", "dimensions", "pooling", "normalize", "layer", ...IDLE];
const MOST = 2048; // texts

export interface Embeddings {
  readonly object: "list";
  readonly data: readonly {
    readonly object: "embedding";
    readonly index: number;
    readonly embedding: number[] | string;
  }[];
  readonly model: string;
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

/** A vector for each text. @throws RequestError, KvcapError; the caller's signal's reason */
export async function embeddings(service: Service, value: unknown, caller: Caller): Promise<Embeddings> {
  const body = asBody(value);
  checkFields(body, FIELDS);
  const hosted = service.hosted(textOf(body, "model"));
  const { name, model } = hosted;
  const base64 = formatOf(body) === "base64";
  const texts = readPrompts(body, "input", MOST);
  const { hidden } = model.config;
  if (![undefined, null, hidden].includes(body.dimensions as number)) {
    refuseRequest(`dimensions must be the model's ${hidden}`, body.dimensions, { param: "dimensions" });
  }
  const options = {
    ...(body.pooling === undefined || body.pooling === null ? {} : { pooling: pooled(body) }),
    ...(body.layer === undefined || body.layer === null ? {} : { layer: body.layer }),
    normalize: body.normalize === undefined || body.normalize === null || flag(body, "normalize"),
  } as EmbedOptions;
  const { vectors, tokens } = await service.whole(caller, async (signal) => {
    const ids = idsOf(texts, "input", model.tokenizer, service.limits.prompt);
    const read = Math.max(...ids.map(({ length }) => length));
    const room = service.conversations.pool.reserve(hosted, { policy: "full", kv: "f32" }, {
      read,
      written: 0,
    });
    try {
      const vectors = await model.embed(ids, { ...options, signal });
      return { vectors, tokens: ids.reduce((sum, { length }) => sum + length, 0) };
    } finally {
      room.free();
    }
  });
  service.numbers.read += tokens;
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: base64 ? base64Of(vector) : [...vector],
    })),
    model: name,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function formatOf(body: Body): "float" | "base64" {
  const format = textOf(body, "encoding_format") ?? "float";
  if (format === "float" || format === "base64") return format;
  return refuseRequest("encoding_format must be float or base64", format, { param: "encoding_format" });
}

function pooled({ pooling }: Body): "mean" | "last" {
  if (pooling === "mean" || pooling === "last") return pooling;
  return refuseRequest("pooling must be mean or last", pooling, { param: "pooling" });
}

/** Little-endian f32. */
function base64Of(vector: Float32Array): string {
  let bytes = "";
  for (const byte of new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)) {
    bytes += String.fromCharCode(byte);
  }
  return btoa(bytes);
}
