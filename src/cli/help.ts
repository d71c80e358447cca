/** What --help prints: the commands, and of each its examples, and a line for every flag, the options' from their table. */
import process from "node:process";
import type { Help } from "../options/help.ts";
import type { AnyRow } from "../options/row.ts";
import type { Of } from "../options/table.ts";
import { MODES } from "../eval/plan.ts";
import { TASK_NAMES } from "../eval/tasks/index.ts";
import type { Command } from "./command.ts";
import { SHELLS } from "./completion.ts";
import { flagName, FLAGS, LETTERS, type OwnFlag, rowsOf } from "./flags.ts";

const COLUMN = 24;
const WIDTH = 120;

const OWN: Readonly<Record<OwnFlag, string>> = {
  model: "Hugging Face folder with safetensors, or a .gguf file: a path, a URL, or of the public hub " +
    "hf:owner/name[@revision][/file]; or a name that `models` lists  (the shipped fable-2m)",
  "no-cache": "files from the network are read where they are, and not kept",
  "ignore-eos": "never end: the end-of-sequence token is never chosen",
  save: "keep the session, cache and all, when the text has ended or was stopped",
  force: "what --save, --record, --report or /save would write may replace any file, not only one of its kind",
  resume: "go on from a session kept by --save, exactly, with the options of its cache; PROMPT may then be left out; " +
    "a policy of your own must be given again",
  system: "what the model is told before anything else; it is never evicted",
  record: "write down every token's attention; with --policy full, so that nothing is lost",
  models: "models, each as --model has it; serve: each may be NAME=WHERE  (the shipped fable-2m)",
  tasks: `of ${TASK_NAMES.join(", ")}  (perplexity,passkey)`,
  policies: "policies, each as --policy has it  (full,roco,crest,h2o,recency)",
  budgets: "budgets, each as --budget has it  (50%,20%)",
  strides: "prompt tokens read at once, each as --stride has it",
  modes: `when tokens go, of ${MODES.join(", ")}: always, while the prompt is read, or behind it  (both)`,
  seeds: "every seed draws other documents  (0)",
  documents: "documents of a task and seed  (4 to 20)",
  length: "tokens of a document  (256 to 512)",
  lengths: "of the needle's documents, tokens  (256,512,1024)",
  depths: "where the needle is, 0 to 1  (0,0.25,0.5,0.75,1)",
  "new-tokens": "tokens written by tasks that write  (40 to 64)",
  draft: "tokens that the capped cache writes ahead of a check  (8)",
  text: "where documents are cut from, UTF-8  (a story that is shipped)",
  baseline: "the policy that others are compared with  (roco)",
  out: "results, a line of JSON for each unit; those that are there already are not measured again",
  report: "eval, sweep, replay: writes the report, one HTML file that needs no network",
  "no-times": "results without times: the same bytes for the same numbers",
  ratio: "perplexity over the full cache's that a budget may cost  (1.02)",
  workers: "processes that measure  (one for each two processors)",
  queue: "units are taken from, and results come by, a Redis server (redis://…): any number of machines may measure",
  json: "JSON on stdout, nothing else",
  prompt: "PROMPT, in its place",
  help: "",
  version: "",
  port:
    "where the lab or the API is served; 0 is any that is free; for the lab, one that is taken: the next  (8017; 8080)",
  set: "an option of one of the models, for what its requests do not say; may be given again",
  host: "the address that is listened at; any but this machine's own is reached from outside  (127.0.0.1)",
  parallel: "requests that are answered at once  (4)",
  waiting: "requests that may wait for their turn; those beyond are refused with 429  (256)",
  "max-prompt-tokens": "tokens that a request may have read  (32768)",
  "cache-memory": "memory of all sessions: conversations that were not asked for longest leave it first  (1GB)",
  timeout: "time that an answer may take from its turn on  (600)",
  connections: "connections at once  (256)",
  "api-key-file": "keys that may ask, a line each, as they are or as sha256: and 64 digits  (anybody may)",
  cors: "an origin whose pages may ask, or *; may be given again  (no page may)",
  store: "keeps conversations when they have been answered: a folder, or redis://HOST[:PORT][/NUMBER] for many servers",
  "store-size": "bytes that a folder keeps; what was written longest ago goes first  (10GB)",
};

/** The flags by what they are about: the command line's own, then the options of what is named. */
const TOPICS: readonly { title: string; own: readonly OwnFlag[]; of: readonly Of[] }[] = [
  { title: "model", own: ["model", "no-cache"], of: ["load"] },
  { title: "cache and policy (slots are tokens, per KV head of every layer)", own: [], of: ["session"] },
  { title: "text", own: ["prompt", "ignore-eos"], of: ["generate"] },
  { title: "sessions", own: ["save", "resume", "force"], of: [] },
  {
    title: "chat (--model smollm2-135m, 512 slots, --positions cache, answers of up to 512 tokens)",
    ...{ own: ["system"], of: ["chat"] },
  },
  { title: "perplexity", own: [], of: ["perplexity"] },
  { title: "embed", own: [], of: ["embed"] },
  {
    title: "eval (lists are written A,B,C; options of cache and model go for all that is measured)",
    own: [
      ...["models", "tasks", "policies", "budgets", "strides", "modes", "seeds", "documents", "length", "lengths"],
      ...["depths", "new-tokens", "draft", "text", "baseline", "out", "report", "no-times"],
    ] as OwnFlag[],
    of: [],
  },
  { title: "sweep (with the options of eval)", own: ["workers", "queue"], of: [] },
  {
    title: "fit (--documents 8 parts of --length 512 tokens, --policies roco,crest,h2o,tova,snapkv,recency)",
    ...{ own: ["ratio"], of: [] },
  },
  { title: "recordings", own: ["record"], of: [] },
  {
    title:
      "serve (512 slots, --positions cache, --temperature 1, 4096 tokens; flags say what holds where requests do not)",
    own: [
      ...["set", "host", "port", "parallel", "waiting", "max-prompt-tokens", "cache-memory", "timeout", "connections"],
      ...["api-key-file", "cors", "store", "store-size"],
    ] as OwnFlag[],
    of: [],
  },
  { title: "output", own: ["json", "help", "version"], of: [] },
];

const REPLAYED = `replay takes one or more --policy; --budget is N, or N% of the tokens recorded; no model, no GPU`;

const ENVIRONMENT = `environment
  KVCAP_BUDGET, …       what a flag of generate, chat, … says where it is left out, of any name; beneath it
                        kvcap.json in the folder: { "model": "smollm2-135m", "maxNewTokens": 100 }
  KVCAP_CACHE           where files from the network are kept  (kvcap in the system's folder of caches)
  HF_ENDPOINT, HF_TOKEN the hub that hf: means  (https://huggingface.co), and its token, which is sent to it alone
  NO_COLOR, FORCE_COLOR no colours, or colours everywhere`;

const NOTES = `An option that takes no value, and --pin, is undone by no- before its name: --no-shared.
Text goes to stdout, progress and the report to stderr.
Files are written whole or not at all, behind links, new ones for you alone; none may be a device, a pipe or read-only.
Exit codes: 0 done, 1 error, 2 wrong usage, 128 + N ended by signal N: 130 by Ctrl-C.`;

/** A default as a command line has it; none that says nothing. */
function defaultOf({ default: value }: AnyRow, help: Help): string {
  if (help.default !== undefined) return help.default;
  if (typeof value === "number" || typeof value === "string") return String(value);
  const share = typeof value === "object" && value !== null && "share" in value ? value.share : null;
  return share === null ? "" : `${100 * Number(share)}%`;
}

/** Words without links and backticks; an option that has a flag is named by it. */
function plain(words: string, names: readonly string[] = []): string {
  const told = words.replace("{names}", names.join(", ")).replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return told.replace(/`([^`]*)`/g, (_, name) => {
    const flag = FLAGS.get(flagName(name));
    return flag && "option" in flag ? `--${flag.name}` : name;
  });
}

/** What is said of an option. */
function about({ row, help }: { row: AnyRow; help: Help }): string {
  const said = plain(help.cli ?? help.words, row.kind.names);
  const otherwise = help.cli === undefined ? plain(defaultOf(row, help)) : "";
  return otherwise === "" ? said : `${said}  (${otherwise})`;
}

/** Words behind a head that is so wide: no line wider than it may be, the others indented alike. */
function wrapped(words: string, head: string, indent: number): string {
  const lines = [head];
  for (const word of words.split(" ")) {
    if (lines.at(-1)!.length + 1 + word.length > WIDTH) lines.push(" ".repeat(indent - 1));
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.join("\n").trimEnd();
}

/** A flag's lines. */
function linesOf(name: string, words: string): string {
  const { value } = FLAGS.get(name)!;
  const letter = LETTERS[name] ? `-${LETTERS[name]}, ` : "";
  const head = `  ${letter}--${name}${value && ` ${value}`}`;
  return wrapped(words, head.padEnd(COLUMN - 1), COLUMN);
}

/** What calls the program. */
const PROGRAM = process.env.npm_lifecycle_event === "start" ? "npm start --" : "kvcap";

type Commands = Readonly<Record<string, Command>>;

/** Every command in a line, and how to learn more of it. */
export function overview(commands: Commands): string {
  const lines = [
    ...Object.entries(commands).map(([name, { takes, about }]) => [`${name} ${takes}`, about]),
    ["help COMMAND", "its examples, and all that it takes"],
    ["completion SHELL", `what ${SHELLS.join(", ")} need to complete commands, flags and names by Tab`],
    ["--version", "of kvcap, and of what runs it"],
  ];
  const column = COLUMN;
  const told = lines.map(([head, words]) => wrapped(words, `  ${head}`.padEnd(column - 1), column));
  const usage = `usage: ${PROGRAM} COMMAND [options]; without a command a story in 96 slots per lane`;
  const first = Object.values(commands).slice(0, 2).flatMap(({ examples }) => exampleLines(examples.slice(0, 1)));
  return [
    "kvcap: language models inside a fixed KV-cache budget\n",
    ...[usage, ...told, "\nexamples", ...first, "", ENVIRONMENT, "", NOTES],
  ].join("\n");
}

const exampleLines = (examples: Command["examples"]) =>
  examples.flatMap(([line, what]) => [`  ${PROGRAM} ${line}`, `      ${what}`]);

/** How a command is called, examples first. */
export function commandHelp(name: string, { takes, about, flags, examples }: Command): string {
  const mine = ["json", "help", "version", ...flags];
  const topics = topicsOf().map(({ title, lines }) => ({
    title,
    lines: lines.filter(([flag]) => mine.includes(flag)).map(([flag, words]) => linesOf(flag, words)),
  }));
  const told = topics.filter(({ lines }) => lines.length > 0).flatMap(({ title, lines }) => [title, ...lines]);
  const head = [`${PROGRAM} ${name}`, takes, flags.length > 0 ? "[options]" : ""].filter(Boolean).join(" ");
  const more = name === "replay" ? ["", REPLAYED] : [];
  return [`${head}\n${about}\n\nexamples`, ...exampleLines(examples), "", ...told, ...more, "", NOTES].join("\n");
}

/** Every flag under what it is about, with its words: one that is an option of two things is said once, of both. */
function topicsOf(): { title: string; lines: [flag: string, words: string][] }[] {
  const said = new Map<string, string>();
  const told = TOPICS.map(({ title, own, of }) => {
    for (const name of own) said.set(name, OWN[name]);
    const mine: string[] = [...own];
    for (const option of of.flatMap(rowsOf).filter(({ help }) => help.flag !== undefined)) {
      const name = flagName(option.name);
      if (!said.has(name)) mine.push(name);
      said.set(name, said.has(name) ? `${said.get(name)}, and ${about(option)}` : about(option));
    }
    return { title, mine };
  });
  return told.map(({ title, mine }) => ({ title, lines: mine.map((name) => [name, said.get(name)!]) }));
}
