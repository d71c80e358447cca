/** Options of a text as flags say them: a schema and a grammar stand on the command line, or in files. */
import { quote } from "../errors.ts";
import { grammarOf } from "../grammar/grammar.ts";
import { checkGenerate, type GenerateOptions } from "../options/index.ts";
import { readTextFile } from "./input.ts";
import { type Arguments, checked, misused } from "./usage.ts";

/** What generations take, files read, and checked as far as it can be without a model. @throws Usage; Error for a file that cannot be read */
export async function textOptions(args: Arguments): Promise<GenerateOptions> {
  const { jsonSchema, grammar, ...options } = args.options("generate", "generate") as Record<string, unknown>;
  const kept: GenerateOptions = options;
  if (jsonSchema !== undefined) kept.jsonSchema = parsed(await read("schema", jsonSchema as string));
  if (grammar !== undefined) kept.grammar = await read("grammar", grammar as string);
  checked(() => grammarOf(checkGenerate(kept, Infinity)));
  return kept;
}

async function read(what: string, word: string): Promise<string> {
  return word.startsWith("@") ? await readTextFile(what, word.slice(1)) : word;
}

function parsed(text: string): object | true {
  try {
    return JSON.parse(text); // whether it is a schema is checked with the other options
  } catch (error) {
    misused("--json-schema must be JSON, or @FILE", quote(error));
  }
}
