/** A conversation that is asked for an answer: what it is, and what a session reads of it. */
import { type ChatMessage, checkMessages } from "../chat/template.ts";
import { planTurn, type Question, type Turn } from "../chat/turn.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { checkTemplate, type TemplateOptions } from "../options/index.ts";
import type { CheckedChat } from "../options/generate.ts";
import { dialectOf } from "./layout.ts";
import type { Reading } from "./reading.ts";
import type { SessionState } from "./state.ts";

/** What is asked, and how it is read; both are as things stand when they are called. */
export interface Asking {
  readonly question: () => Question;
  readonly read: () => Reading;
  /** Whether the answer to what was read last begins within a thought. */
  readonly opened: () => boolean;
}

/** @throws RangeError where there is no template; `question` and `read` where it does not take the messages */
export function asking(
  state: SessionState,
  input: string | readonly ChatMessage[],
  { pinSystem, continueFinal, ...asked }: CheckedChat,
): Asking {
  const { dialect, variables } = dialectOf(state.model, asked);
  const said = (content: string): ChatMessage[] => [...state.conversation ?? [], { role: "user", content }];
  const question = () => ({
    messages: checkMessages(typeof input === "string" ? said(input) : input, continueFinal),
    variables,
    continueFinal,
  });
  let opened = false;
  const read = (): Reading => {
    const { pending, conversation: heard, options } = state;
    const standing = { heard, pending, eosIds: state.model.config.eosIds };
    const { pending: takesPending, ids, ...turn } = planTurn(dialect, question(), standing);
    opened = turn.opened;
    const all = takesPending && pending !== null ? [pending, ...ids] : ids;
    const system = pinSystem && options.policy !== "full" ? turn.system : 0;
    const anew = turn.anew && state.seen > 0; // an empty session has nothing to forget, but may have pins
    return { ...turn, anew, ids: all, pinned: options.pinPrompt && turn.anew ? all.length : system };
  };
  return { question, read, opened: () => opened };
}

/** What a session that has heard nothing reads of a conversation. @throws RangeError as `model.countTokens` does */
export function promptOf(
  model: LoadedModel,
  messages: readonly ChatMessage[],
  options: TemplateOptions,
): Pick<Turn, "ids" | "system"> {
  const { continueFinal, ...asked } = checkTemplate("chat", options);
  const { dialect, variables } = dialectOf(model, asked);
  const question = { messages: checkMessages(messages, continueFinal), variables, continueFinal };
  return planTurn(dialect, question, { heard: null, pending: null, eosIds: model.config.eosIds });
}

/** The text that messages become, read from the beginning. @throws RangeError where there is no template, or it does not take them */
export function chatTextOf(model: LoadedModel, messages: readonly ChatMessage[], options: TemplateOptions): string {
  const { continueFinal, ...asked } = checkTemplate("chat", options);
  const { dialect, variables } = dialectOf(model, asked);
  return dialect.render(messages, variables, { continueFinal });
}
