/** A model's files, read and checked as far as that goes without a GPU: a Hugging Face folder, or one GGUF file. */
import { checkTokenizer, createTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { ggufTokenizer } from "../tokenizer/gguf.ts";
import { fromSentencePiece } from "../tokenizer/sentencepiece.ts";
import type { TokenFiles } from "../tokenizer/special.ts";
import { type Access, type AccessOptions, openAccess } from "../files/access.ts";
import { cachedSource } from "../files/cached.ts";
import { catalogue, shippedFolder } from "../files/catalogue.ts";
import { openCatalogued } from "../files/catalogued.ts";
import type { ModelConfig } from "../engine/config.ts";
import { aroundOne } from "./around-one.ts";
import { parseConfig } from "./config.ts";
import { apartByExpert } from "./experts.ts";
import { unfused } from "./fused.ts";
import { ggufConfig, isInterleaved } from "./gguf.ts";
import { openParts, partsOf } from "../formats/gguf/split.ts";
import { ggufName, namedTensors } from "../formats/gguf/names.ts";
import { hasOwnHead } from "./head.ts";
import type { RopeAsked } from "../engine/rope.ts";
import { checkWeights, underModel, unread } from "./layout.ts";
import { storedAs } from "./stored-as.ts";
import { isPicked, type PickedFiles, pickedSource } from "../files/picked.ts";
import { hubUrl, isHub } from "../files/hub.ts";
import { urlSource } from "../files/remote.ts";
import { refuseFile } from "../files/checks.ts";
import { parsed, readJson, readWhole } from "../files/whole.ts";
import type { Tensor } from "../engine/tensor.ts";
import { openWeights } from "../formats/safetensors.ts";
import { inFull } from "../formats/scaled.ts";
import { openSource } from "../files/open-source.ts";
import { folderSampling, ggufSampling } from "./sampling.ts";
import { folderTemplates, ggufTemplates, type Templates } from "./templates.ts";
import type { Source } from "../files/source.ts";
import type { ModelSampling } from "../options/sampling.ts";

/** What a model's files say. */
export interface ModelFiles extends Templates {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** By Hugging Face's names, checked against the config. */
  readonly tensors: Map<string, Tensor>;
  /** How they say that it is sampled; null where they say nothing. */
  readonly sampling: ModelSampling | null;
  /** What a user should know of how they were read, a line each. */
  readonly notes: readonly string[];
}

/**
 * Opens a folder or base URL with config.json, safetensors and tokenizer.json, or a path or URL that ends in .gguf; of the hub
 * by `hf:owner/name[@revision][/file]`, of the catalogue by name; or files that were picked.
 * @param access how to reach what is not a folder; options, or what was made of them
 * @param asked what is to hold of rope in place of what the files say
 * @throws Error or RangeError, one sentence, for a file that is missing or damaged, or a model that we cannot run.
 */
export async function openModel(
  where: string | URL | PickedFiles,
  access: AccessOptions | Access = {},
  asked: RopeAsked = {},
): Promise<ModelFiles> {
  if (isPicked(where)) {
    const { source, ggufs } = pickedSource(where);
    return ggufs.length > 0 ? await openGgufModel(source, onlyOf(ggufs), asked) : await openFolder(source, asked);
  }
  // The environment is read where it matters: a program that loads a folder needs no permission for it.
  let opened: Access | undefined = "net" in access ? access : undefined;
  const reach = () => opened ??= openAccess(access);
  if (typeof where === "string" && Object.hasOwn(catalogue, where)) {
    const model = catalogue[where];
    if (model.folder) return await openFolder(openSource(shippedFolder(where, model.folder)), asked);
    const { source, file } = await openCatalogued(where, model, reach());
    return await openGgufModel(source, file, asked);
  }
  const place = typeof where === "string" && isHub(where) ? hubUrl(where, reach().hub) : where;
  const remote = (base: URL, name: string) => {
    const { store, net } = reach();
    return store ? cachedSource(base, name, reach(), store) : urlSource(base, name, net);
  };
  const file = ggufPlace(place);
  return file
    ? await openGgufModel(openSource(file.folder, remote), file.name, asked)
    : await openFolder(openSource(place, remote), asked);
}

/** A Hugging Face folder; or one that has a GGUF file and no config.json. */
export async function openFolder(source: Source, asked: RopeAsked = {}): Promise<ModelFiles> {
  if (source.list && !(await source.has("config.json"))) {
    const ggufs = (await source.list()).filter((name) => /\.gguf$/i.test(name));
    if (ggufs.length > 0) return await openGgufModel(source, onlyOf(ggufs), asked);
  }
  const json = (file: string) => readJson(source, file);
  const optional = async (file: string) => (await source.has(file)) ? await json(file) : {};
  const described = await json("config.json");
  const generation = await optional("generation_config.json");
  const config = parseConfig(described, generation, asked);
  const settings = await optional("tokenizer_config.json");
  const tokenizer = await openTokenizer(source, (described as Record<string, unknown>).model_type, {
    ...{ config: settings, map: await optional("special_tokens_map.json"), added: await optional("added_tokens.json") },
  });
  const notes = checkTokenizer(config, tokenizer);
  const plain = inFull(underModel(await openWeights(source)), storedAs(described as Record<string, unknown>));
  const stored = aroundOne(config, apartByExpert(config, unfused(config, plain)));
  if (config.tied && await hasOwnHead(stored)) {
    config.tied = false;
    notes.push(
      "config.json ties the head to the embeddings, but the weights have one with other values, which is used",
    );
  }
  const tensors = checkWeights(config, stored);
  const left = unread(config, stored);
  if (left !== null) notes.push(left);
  const templates = await folderTemplates(source, settings, notes);
  return { config, tokenizer, tensors, sampling: folderSampling(generation, notes), ...templates, notes };
}

/** tokenizer.json, or where there is none SentencePiece's tokenizer.model. @param family `model_type` of config.json */
async function openTokenizer(source: Source, family: unknown, { config, ...older }: TokenFiles): Promise<Tokenizer> {
  const [own, spm] = ["tokenizer.json", "tokenizer.model"];
  if (!(await source.has(own)) && await source.has(spm)) {
    const read = async () => fromSentencePiece(await readWhole(source, spm), family, { config, ...older });
    const made = await parsed(source, spm, read);
    return createTokenizer(made.tokenizer, made.config, made.older);
  }
  return createTokenizer(await readJson(source, own), config, older);
}

/** A GGUF file of a source, whole or split. @param name its name, or that of any part */
export async function openGgufModel(source: Source, name: string, asked: RopeAsked = {}): Promise<ModelFiles> {
  const gguf = await openParts(source, name);
  const { metadata } = gguf;
  const config = await ggufConfig(gguf, asked);
  const named = namedTensors(config, isInterleaved(metadata), gguf.tensors);
  const tensors = checkWeights(config, apartByExpert(config, unfused(config, named)), (name) => ggufName(config, name));
  const { tokenizer: described, settings } = ggufTokenizer(metadata);
  const tokenizer = createTokenizer(described, settings);
  const notes = checkTokenizer(config, tokenizer);
  return { config, tokenizer, tensors, sampling: ggufSampling(metadata, notes), ...ggufTemplates(metadata), notes };
}

/** The one GGUF file among these, or the first part of the only one that is split. @throws RangeError where there are two to choose from */
function onlyOf(ggufs: readonly string[]): string {
  const [first, ...others] = [...ggufs].sort();
  const parts = partsOf(first);
  if (others.every((name) => parts.includes(name))) return first;
  refuseFile("of GGUF files there must be one, or all parts of one", ggufs, { code: "bad-input" });
}

/** Folder and name of a GGUF file; null if `where` is none. */
function ggufPlace(where: string | URL): { folder: string; name: string } | null {
  const given = String(where);
  const isUrl = /^(https?|file):\/\//i.test(given);
  // Of a URL, a query (an access token, "?download=true") belongs to every request.
  const [, path, query] = isUrl ? /^([^?#]*)([^#]*)/.exec(given)! : [given, given, ""];
  if (!/\.gguf$/i.test(path)) return null;
  const cut = /^(.*[/\\])?([^/\\]+)$/.exec(path);
  if (!cut) return null;
  const [, folder = "./", name] = cut;
  return { folder: folder + query, name: isUrl ? unescaped(name) : name };
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
