/** How a model renders a conversation, and what that takes before anything reads it. */
import { checkConversation, type Layout, layOut } from "../chat/spans.ts";
import { type ChatMessage, readTemplate } from "../chat/template.ts";
import type { Dialect } from "../chat/turn.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { templateFor } from "../model/templates.ts";
import { type CheckedTemplate, checkTemplate, type TemplateOptions } from "../options/index.ts";

/** The dialect that checked options ask for, and what they give its template. @throws RangeError where there is no template */
export function dialectOf(
  model: LoadedModel,
  { template, variables, tools, documents }: Omit<CheckedTemplate, "continueFinal">,
): { dialect: Dialect; variables: Record<string, unknown> } {
  const { tokenizer } = model;
  return {
    dialect: { render: readTemplate(template ?? templateFor(model, tools), tokenizer), tokenizer },
    variables: { ...variables, ...(tools ? { tools } : {}), ...(documents ? { documents } : {}) },
  };
}

/** @throws RangeError for bad options, or where there is no template, or it does not take the messages */
export function layoutOf(
  model: LoadedModel,
  action: string,
  given: readonly ChatMessage[],
  options: TemplateOptions,
): Layout {
  const { continueFinal, ...asked } = checkTemplate(action, options);
  const { dialect, variables } = dialectOf(model, asked);
  return layOut(dialect, { messages: checkConversation(action, given), variables, continueFinal });
}
