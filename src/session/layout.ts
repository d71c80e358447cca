/** What a conversation or a text takes before anything reads it. */
import { checkConversation, type Layout, layOut } from "../chat/spans.ts";
import { type ChatMessage, readTemplate } from "../chat/template.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { templateFor } from "../model/templates.ts";
import { checkTemplate, type TemplateOptions } from "../options/index.ts";

/** @throws RangeError for bad options, or where there is no template, or it does not take the messages */
export function layoutOf(
  model: LoadedModel,
  action: string,
  given: readonly ChatMessage[],
  options: TemplateOptions,
): Layout {
  const { template, continueFinal, variables, tools, documents } = checkTemplate(action, options);
  const { tokenizer } = model;
  const dialect = { render: readTemplate(template ?? templateFor(model, tools), tokenizer), tokenizer };
  const more = { ...(tools ? { tools } : {}), ...(documents ? { documents } : {}) };
  return layOut(dialect, {
    messages: checkConversation(action, given),
    variables: { ...variables, ...more },
    continueFinal,
  });
}
