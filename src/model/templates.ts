/** Which of the chat templates in a model's files are used: those that transformers 5.24 takes (`get_chat_template`). */
import { isRecord } from "../files/checks.ts";
import type { Source } from "../files/source.ts";
import { parsed } from "../files/whole.ts";
import type { Metadata } from "../formats/gguf/file.ts";

/** Jinja templates that turn messages into a prompt, null where the files have none. */
export interface Templates {
  readonly chatTemplate: string | null;
  /** The one for conversations with tools, where it is another. */
  readonly toolTemplate: string | null;
}

const DEFAULT = "chat_template.jinja"; // where newer folders have it
const TOOLS = "additional_chat_templates/tool_use.jinja";

/** Those of a folder: of files of their own, else of tokenizer_config.json. @param notes hears of one that is passed over */
export async function folderTemplates(source: Source, settings: unknown, notes: string[]): Promise<Templates> {
  const told = settingsTemplates(settings);
  if (!(await source.has(DEFAULT))) return told;
  const text = (file: string) => parsed(source, file, () => source.text(file));
  const chatTemplate = await text(DEFAULT);
  if (told.chatTemplate !== null && told.chatTemplate.trim() !== chatTemplate.trim()) {
    notes.push(`tokenizer_config.json has another chat template than ${DEFAULT}, which is used`);
  }
  return { chatTemplate, toolTemplate: (await source.has(TOOLS)) ? await text(TOOLS) : null };
}

/** Those of tokenizer_config.json: one, or several with names, of which the last of a name counts. */
function settingsTemplates(settings: unknown): Templates {
  const given = isRecord(settings) ? settings.chat_template : null;
  if (!Array.isArray(given)) return { chatTemplate: textOrNull(given), toolTemplate: null };
  const named = (name: string) => textOrNull(given.findLast((one) => isRecord(one) && one.name === name)?.template);
  return { chatTemplate: named("default"), toolTemplate: named("tool_use") };
}

/** Those of a GGUF file. */
export function ggufTemplates(metadata: Metadata): Templates {
  const key = "tokenizer.chat_template";
  return { chatTemplate: textOrNull(metadata.get(key)), toolTemplate: textOrNull(metadata.get(`${key}.tool_use`)) };
}

/** The one that a conversation with these tools, or without any, is rendered by. */
export function templateFor({ chatTemplate, toolTemplate }: Templates, tools: unknown): string | null {
  return tools ? toolTemplate ?? chatTemplate : chatTemplate;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
