/** The command `chat`: a conversation in the terminal. */
import { parseBudget } from "../options/text.ts";
import type { ChatMessage } from "../chat/template.ts";
import { KvcapError, refuse, words } from "../errors.ts";
import { describeModel } from "../engine/config.ts";
import { load, type Model } from "../load.ts";
import { type ChatOptions, checkChat, type SessionOptions } from "../options/index.ts";
import type { Session } from "../session/session.ts";
import type { Command } from "./command.ts";
import { cacheLine } from "./report-lines.ts";
import { ClosedPipe, note, print, printJson, Progress } from "./terminal.ts";
import { readFile } from "./input.ts";
import { textOptions } from "./kept.ts";
import { type Lines, openLines } from "./lines.ts";
import { loadOptions, MODEL_FLAGS } from "./model.ts";
import { namedPolicy, ownOf } from "./policy.ts";
import { SESSION, writeWhole } from "./output.ts";
import { end } from "./signals.ts";
import {
  type Arguments,
  CHAT_FLAGS,
  checked,
  misused,
  sentenceOf,
  SESSION_FLAGS,
  sessionOptions,
  TEXT_FLAGS,
} from "./usage.ts";

const HELP = `/save FILE     keep the conversation, cache and all     /load FILE    go on from one that was kept
/budget N      slots, N% of the text, or NKB             /policy NAME  who is evicted, or a file: the text is read again
/stats         what the cache holds, and the speed       /reset        begin anew
/help          this                                      /exit         end, as Ctrl-D does
Ctrl-C stops an answer. A line that ends with \\ goes on; pasted lines are one message.`;

const COMMANDS = ["save", "load", "budget", "policy", "stats", "reset", "help", "exit", "quit"] as const;

const MODEL = "smollm2-135m"; // of the catalogue: the shipped one knows no chat
const BUDGET = 512; // slots
const ANSWER = 512; // tokens

async function chat(args: Arguments): Promise<number> {
  if (args.positionals.length > 1) misused("chat takes no prompt, it asks for it", args.positionals[1]);
  const options = await sessionOptions(args);
  const generate: ChatOptions = {
    maxNewTokens: ANSWER,
    ...await textOptions(args),
    ...args.options("chat", "chat"),
  };
  checked(() => checkChat(generate, Infinity));
  const progress = new Progress();
  const model = await load(args.text("model") ?? MODEL, loadOptions(args, progress)).finally(() => progress.clear());
  if (model.chatTemplate === null) {
    model.dispose();
    refuse("chat", "the model must have a chat template", words("none"), { code: "unsupported", kind: "plain" });
  }
  const system = args.text("system");
  const beginning: ChatMessage[] = system === undefined ? [] : [{ role: "system", content: system }];
  const talk = new Talk(model, { options, beginning, generate, json: args.has("json"), force: args.has("force") });
  try {
    const kept = args.text("resume");
    if (kept !== undefined) await talk.load(kept);
    return await talk.run();
  } finally {
    model.dispose();
  }
}

/** How a conversation is to be had. */
interface Manner {
  readonly options: SessionOptions;
  readonly beginning: readonly ChatMessage[];
  readonly generate: ChatOptions;
  readonly json: boolean; // an object per answer, not text
  readonly force: boolean; // whether /save replaces any file
}

/** One conversation, and what it is had with. */
class Talk {
  readonly #model: Model;
  readonly #beginning: readonly ChatMessage[];
  readonly #generate: ChatOptions;
  #seed: number | undefined; // of the first answer; draws go on from there
  readonly #json: boolean;
  readonly #force: boolean; // whether /save replaces any file
  readonly #progress = new Progress();
  #options: SessionOptions;
  #session: Session;
  #messages: readonly ChatMessage[];
  #stopper: AbortController | null = null; // of the answer that is being given
  #lines: Lines | null = null; // while there are questions

  constructor(model: Model, { options, beginning, generate, json, force }: Manner) {
    this.#model = model;
    this.#options = options;
    this.#beginning = this.#messages = beginning;
    const { seed, ...rest } = generate;
    this.#generate = rest;
    this.#seed = seed;
    this.#json = json;
    this.#force = force;
    this.#session = this.#open();
  }

  #open(options = this.#options): Session {
    if (options.policy === "full") return this.#model.session(options);
    // Where memory is bounded the budget is what fits. A conversation may outgrow the positions that the model was trained on.
    const { budget = this.#model.gpuBytesLimit === Infinity ? BUDGET : undefined, positions = "cache" } = options;
    return this.#model.session({ ...options, budget, positions, onWarning: note });
  }

  async run(): Promise<number> {
    let stopped = false;
    const lines: Lines = this.#lines = openLines((code) => {
      if (code === 130 && this.#stopper) this.#stopper.abort();
      else if (lines.terminal) note("(/exit or Ctrl-D ends)");
      else end(code);
      stopped = true;
    }, COMMANDS.map((name) => `/${name}`));
    if (lines.terminal) note(this.#opening());
    try {
      for (let line = await lines.next(); line !== null; line = await lines.next()) {
        stopped = false;
        if (line.trim() === "") continue;
        try {
          if (/^\/\w/.test(line)) {
            if (!await this.#command(line)) return 0;
          } else await this.#answer(line);
        } catch (error) {
          if (error instanceof ClosedPipe || this.#model.failure) throw error;
          note(sentenceOf(error).replace(/\s*\n\s*/g, " "));
          if (!lines.terminal && !stopped) return 1;
        }
      }
      return 0;
    } finally {
      lines.close();
    }
  }

  async #answer(content: string): Promise<void> {
    const asked = [...this.#messages, { role: "user", content }];
    this.#stopper = new AbortController();
    let text = "";
    try {
      const { signal } = this.#stopper;
      const onPrefill = (done: number, total: number) =>
        done < total ? this.#progress.show("reading", done, total, "tokens") : this.#progress.clear();
      // The template and the tokenizer are the model's: nobody knows how long they take, and nothing is heard meanwhile.
      const { pieces, first } = this.#lines!.deaf(() => {
        const pieces = this.#session.chat(asked, { ...this.#generate, seed: this.#seed, signal, onPrefill });
        return { pieces, first: pieces.next() };
      });
      try {
        for (let { value, done } = await first; !done; { value, done } = await pieces.next()) {
          text += value;
          if (!this.#json) print(value!);
        }
      } finally {
        await pieces.return();
      }
    } catch (error) {
      if (!this.#stopper.signal.aborted || error instanceof ClosedPipe) throw error;
    } finally {
      this.#progress.clear();
      this.#stopper = null;
      if (text !== "" && !this.#json) print("\n");
    }
    const { conversation } = this.#session;
    if (conversation.length === 0) return note("(stopped before the answer: the question is forgotten)");
    this.#messages = conversation;
    this.#seed = undefined;
    const { ended, promptTokens, newTokens, liveSlots, evictions } = this.#session.report();
    if (this.#json) printJson({ text, ended, promptTokens, newTokens, liveSlots, evictions });
    else if (ended === "length") note("(cut: --max-new-tokens)");
  }

  /** @returns whether the conversation goes on */
  async #command(line: string): Promise<boolean> {
    const [, word, value] = /^\/(\w+)\s*([^]*?)\s*$/.exec(line)!;
    const name = COMMANDS.find((name) => name === word) ??
      misusedCommand("commands are those of /help", `/${word}`, COMMANDS.map((name) => `/${name}`));
    const needed = () => value || misusedCommand(`/${name} needs a value, see /help`, "none");
    switch (name) {
      case "save":
        await this.#save(needed());
        return true;
      case "load":
        await this.load(needed());
        return true;
      case "budget": {
        const budget = parseBudget(needed()) ??
          misusedCommand(
            "/budget must be slots (128), a share of the text (25%), bytes (512KB) or a number behind it (+48)",
            value,
          );
        await this.#anew({ ...this.#options, budget });
        note(`(budget ${value}: the text is read again with the next question)`);
        return true;
      }
      case "policy":
        await this.#anew({
          ...this.#options,
          policy: await namedPolicy(needed()),
          budget: value === "full" ? undefined : this.#options.budget, // a full cache takes what it needs
        });
        note(`(policy ${value}: the text is read again with the next question)`);
        return true;
      case "stats":
        note(this.#stats());
        return true;
      case "reset":
        this.#session.reset();
        this.#messages = this.#beginning;
        note("(forgotten: the conversation begins anew)");
        return true;
      case "help":
        note(HELP);
        return true;
      case "exit":
      case "quit":
        return false;
    }
  }

  /** The same conversation in another cache: it is read into it with the next question. */
  async #anew(options: SessionOptions): Promise<void> {
    await this.#replace(() => this.#open(options));
    this.#options = options;
  }

  /** Goes on with another session; with this one where there can be no other. */
  async #replace(open: () => Session | Promise<Session>): Promise<void> {
    const before = this.#session;
    if (this.#model.gpuBytesLimit === Infinity) {
      this.#session = await open();
      return before.dispose();
    }
    const kept = await before.snapshot(); // where memory is bounded it may not hold both
    before.dispose();
    try {
      this.#session = await open();
    } catch (error) {
      this.#session = await this.#model.restore(kept, { ...ownOf(before.options), onWarning: note });
      throw error;
    }
  }

  async #save(path: string): Promise<void> {
    if (this.#session.conversation.length === 0 && this.#messages.length > this.#beginning.length) {
      const rule = "the conversation must have been read into the cache, as the next question does";
      refuse(SESSION.action, rule, words("one that waits to be read"), { code: "wrong-state", kind: "plain" });
    }
    writeWhole(path, SESSION, this.#force, await this.#session.snapshot());
    note(`(kept in ${path})`);
  }

  /** Goes on from a kept session. @throws Error */
  async load(path: string): Promise<void> {
    const bytes = await readFile("session", path);
    const own = { ...ownOf(this.#options), onWarning: note };
    await this.#replace(() =>
      this.#model.restore(bytes, own).catch((error) => { // a session under a policy of kvcap's needs none
        if (own.policy && error instanceof KvcapError && error.option === "policy") {
          return this.#model.restore(bytes, { onWarning: note });
        }
        throw error;
      })
    );
    const { options: { policy, budget, positions, kv }, conversation } = this.#session;
    this.#messages = conversation.length > 0 ? conversation : this.#beginning;
    this.#options = { policy, positions, kv, ...(budget > 0 ? { budget } : {}) };
    const turns = conversation.filter(({ role }) => role === "assistant").length;
    note(`(goes on after ${turns} ${turns === 1 ? "answer" : "answers"})`);
  }

  #opening(): string {
    const { options: { policy, budget } } = this.#session;
    const name = typeof policy === "object" ? policy.name : policy;
    const cache = policy === "full" ? "a full cache" : `${name} in ${budget || "a share of the text"} slots`;
    return `(${describeModel(this.#model.config)}, ${cache}, on ${this.#model.adapter}; /help, /exit)`;
  }

  #stats(): string {
    const report = this.#session.report();
    const { policy, budget, liveSlots, evictions, tokensPerSecond, adapter, sampling } = report;
    return [
      `${this.#session.seen} tokens taken in, ${liveSlots} of ${budget} slots per lane live, ${evictions} evicted`,
      `${policy}: ${cacheLine(report)}`,
      `sampling: ${sampling}`,
      `${tokensPerSecond.toFixed(1)} tokens/s in the last answer, on ${adapter}`,
    ].join("\n");
  }
}

function misusedCommand(rule: string, value: string, names: readonly string[] = []): never {
  refuse("chat", rule, words(value), { kind: "plain", names });
}

export const chatCommand: Command = {
  run: chat,
  takes: "",
  about: "a conversation, with a model made for it; /help lists what it knows",
  flags: [...SESSION_FLAGS, ...MODEL_FLAGS, ...TEXT_FLAGS, ...CHAT_FLAGS, "system", "resume", "force"],
  defaults: true,
  examples: [
    ["chat", "with SmolLM2, in 512 slots, for as long as you like"],
    ['chat --system "You are a pirate." --temperature 0.7 --budget 256', "with something that is never evicted"],
  ],
};
