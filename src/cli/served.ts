/** The models that `serve` has: by which names, from where, and under which options. */
import { KvcapError, refuse, words } from "../errors.ts";
import { load } from "../load.ts";
import { type Hosted, usualChunk, usualSession } from "../openai/hosted.ts";
import type { Limits } from "../openai/service.ts";
import { checkGenerate, type GenerateOptions, type SessionOptions } from "../options/index.ts";
import { flagName, FLAGS } from "./flags.ts";
import { loadOptions, megabytes, MODEL_FLAGS } from "./model.ts";
import { Progress } from "./terminal.ts";
import { type Arguments, argumentsBy, checked, misnamed, misused, sentenceOf, sessionOptions, Usage } from "./usage.ts";
import { SESSION_FLAGS, SHIPPED, TEXT_FLAGS } from "./usage.ts";

/** A model that is to be loaded. */
export interface Place {
  readonly name: string;
  readonly where: string | URL;
  readonly session: SessionOptions;
  readonly generate: GenerateOptions;
  /** Its flags that say how it is loaded. */
  readonly args: Arguments;
}

/** Flags that may be another for each model. */
const SETTABLE = [...SESSION_FLAGS, ...TEXT_FLAGS, ...MODEL_FLAGS].filter((name) => name !== "model");

/** What flags say of the models: of all of them alike, and --set of each. @throws Usage */
export async function placesOf(args: Arguments): Promise<Place[]> {
  const named = namesOf(args), set = setOf(args, [...named.keys()]);
  const places: Place[] = [];
  for (const [name, where] of named) {
    const own = set.get(name) ?? args;
    try {
      const session = await sessionOptions(own), generate: GenerateOptions = own.options("generate", "generate");
      checked(() => checkGenerate(generate, Infinity));
      places.push({ name, where, session, generate, args: own });
    } catch (error) {
      throw own === args ? error : namedIn(error, name);
    }
  }
  return places;
}

/** A refusal of options that names the model whose they are. */
function namedIn(error: unknown, name: string): unknown {
  const { cause } = error as Usage;
  if (!(error instanceof Usage && cause instanceof KvcapError) || cause.option === undefined) return error;
  return new Usage(sentenceOf(new KvcapError({ ...cause, action: `serve ${name}` })), { cause });
}

/** Models by the names that requests have for them. @throws Usage */
function namesOf(args: Arguments): Map<string, string | URL> {
  if (args.has("model") && args.has("models")) misused("--models must stand without --model", args.text("model"));
  const given = args.text("models")?.split(",") ?? [args.text("model") ?? ""];
  const named = given.map((where) => {
    const [, name, place = where] = /^([\w.-]+)=(.+)$/.exec(where) ?? [];
    return [name ?? nameOf(place), place === "" ? SHIPPED : place] as const;
  });
  const twice = named.find(([name], i) => named.findIndex(([other]) => other === name) < i);
  if (twice) misused("models must have different names, as NAME=WHERE gives them", twice[0]);
  return new Map(named);
}

/** What a place calls a model: the hub's name, or the last part of a path. */
function nameOf(where: string): string {
  if (where === "") return "fable-2m";
  if (where.startsWith("hf:")) return where.slice("hf:".length);
  return where.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1)!.replace(/\.gguf$/i, "");
}

/** What --set says, by model: the flags given to all, but for those that it says another value of. @throws Usage */
function setOf(args: Arguments, models: readonly string[]): Map<string, Arguments> {
  const said = new Map<string, Map<string, string[]>>();
  for (const text of args.list("set") ?? []) {
    const [, model, option, value] = /^([^=]+)\.([\w-]+)=(.+)$/s.exec(text) ?? [];
    if (model === undefined) misused("--set must be NAME.OPTION=VALUE, as smollm2.budget=256", text);
    if (!models.includes(model)) misnamed(`--set must name one of ${models.join(", ")}`, model, models);
    const flag = flagName(option);
    if (!SETTABLE.includes(flag)) {
      misnamed("--set must name an option of caches, texts or loading, as --help lists them", option, SETTABLE);
    }
    const own = said.get(model) ?? new Map<string, string[]>(), values = own.get(flag) ?? [];
    if (values.length > 0 && !FLAGS.get(flag)!.many) misused(`--set ${model}.${flag} may be given once only`, text);
    said.set(model, own.set(flag, [...values, value]));
  }
  return new Map([...said].map(([model, own]) => [model, argumentsBy(args, own, (flag) => `--set ${model}.${flag}`)]));
}

/** Loads them, one after the other. @throws KvcapError where one cannot be, or what is at work at once does not fit */
export async function loaded(places: readonly Place[], limits: Limits): Promise<Hosted[]> {
  const models: Hosted[] = [];
  for (const { name, where, session, generate, args } of places) {
    const progress = new Progress();
    const model = await load(where, loadOptions(args, progress)).finally(() => progress.clear());
    const since = Math.floor(Date.now() / 1000);
    const tokens = generate.maxNewTokens ?? limits.tokens;
    const chunk = usualChunk(model);
    models.push({ name, model, session: usualSession(session), chunk, generate, since, tokens });
  }
  for (const one of models) checkRoom(one, limits);
  return models;
}

/** @throws KvcapError where the sessions that are at work at once do not fit */
function checkRoom({ model, session, tokens }: Hosted, { parallel, memory }: Limits): void {
  const bytes = parallel * model.sessionBytes(session, { read: 1, written: tokens });
  if (bytes <= memory) return;
  const rule = `--cache-memory must hold ${parallel} sessions, which take ${megabytes(bytes)}`;
  refuse("serve", rule, words(megabytes(memory)), { kind: "plain", code: "no-memory" });
}
