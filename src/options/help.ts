/**
 * The words of every option, for docs/options.md and `--help`. In them a name in `backticks` is an option's or a value's: the
 * command line writes an option as its flag. {names} stands for all that a value may be.
 */
import type { OPTIONS } from "./table.ts";

/** The words of one option. */
export interface Help {
  /** What it does. */
  readonly words: string;
  /** What holds where it is left out, where that is not just the row's default. */
  readonly default?: string;
  /** What stands behind its flag, empty: nothing. Without it the option has no flag of its own. */
  readonly flag?: string;
  /** What `--help` says in place of the words and the default. */
  readonly cli?: string;
}

type Words = { readonly [T in keyof typeof OPTIONS]: { readonly [K in keyof (typeof OPTIONS)[T]]: Help } };

const PRESET = "the policy's";

/** A row without words does not compile. */
export const HELP: Words = {
  load: {
    device: {
      words:
        "what computes: {names}; `wasm` is the processor, `auto` takes a GPU where there is a real one; or a `GPUDevice` of your own",
      flag: "NAME",
      cli: "what computes: {names}; wasm is the processor, auto a GPU where there is a real one",
    },
    threads: {
      words: "threads of the device `wasm`",
      default: "the processor's, at most 8; in pages 1, but for cross-origin isolated ones",
      flag: "N",
      cli: "threads of the device wasm  (the processor's, at most 8)",
    },
    precision: {
      words:
        "how the device `wasm` multiplies quantised weights: {names}; `fast` rounds activations: to 16 bits, most to 8 where weights have 4",
      flag: "NAME",
    },
    maxBinding: {
      words: "bytes of the largest buffer a kernel may bind: larger weights are split",
      default: "what the device allows",
    },
    memory: {
      words:
        "bytes of the device's memory never exceeded: weights, K and V, scratch; without a `budget`, the slots that fit",
      default: "no bound",
      flag: "NMB",
      cli: "memory of the device never exceeded: weights, K and V, scratch; without `budget`, the slots that fit",
    },
    kv: { words: "how sessions store K and V that are not told otherwise: {names}" },
    weights: {
      words: "quantise weights that the file holds as plain numbers: {names}",
      default: "as they are",
      flag: "NAME",
    },
    sampling: {
      words: "how texts go that are not told otherwise: {names}; `model` is as its generation_config.json says",
      flag: "NAME",
    },
    ropeScaling: {
      words: "turn positions otherwise than the files say: {names}",
      default: "as they say",
      flag: "NAME",
    },
    ropeFactor: { words: "the factor of that", flag: "N" },
    ropeLength: {
      words: "how many tokens texts are to have, where rope depends on it (dynamic, longrope)",
      default: "the model's own",
      flag: "N",
    },
    onProgress: { words: "hears how many bytes of weights have been read: `(done, total)`" },
    onDownload: {
      words: "hears of a download: `(file, done, total)`, `total` is `null` where the server does not say",
    },
    onWarning: {
      words: "hears that files could not be kept, and what is odd about a model",
      default: "`console.warn`",
    },
    cache: { words: "whether files from the network are kept for the next time" },
    hub: { words: "base URL of the hub that `hf:` names mean", default: "`$HF_ENDPOINT`, or the public one" },
    token: { words: "the hub's token, sent to the hub alone", default: "`$HF_TOKEN`" },
    signal: { words: "an `AbortSignal`: the loading ends, and what has come of a file stays in the cache" },
  },
  session: {
    policy: {
      words: "who goes: {names}, or [a policy of your own](examples/own-policy.ts); `full` keeps everything",
      flag: "NAME|FILE",
      cli: "who goes: {names}, or a module whose default export is a policy of your own, as ./mine.ts; " +
        "streaming goes with `positions` cache  (crest)",
    },
    score: {
      words: "{names}, or [your own function](examples/session-own-score.ts): the smallest goes first",
      default: PRESET,
      flag: "NAME",
      cli: "{names}: the smallest goes first",
    },
    scope: {
      words: "who may go: {names}; `low-spread` is all but the `unsettled` tokens, `peak` all but the `peaks`",
      default: PRESET,
      flag: "NAME",
      cli: "who may go: {names}; low-spread is all but the `unsettled` tokens, peak all but the `peaks`",
    },
    window: {
      words: "decode steps or prompt chunks that the scores `windowed`, `persistence` and `fading` look back on",
      default: `${PRESET}; else 32, 64 and 64`,
      flag: "N",
      cli: "decode steps or prompt chunks that windowed, persistence and fading look back on  (32, 64, 64)",
    },
    halfLife: {
      words: "queries after which one counts half in the score `ema`, or a best does in `fading`",
      default: `${PRESET}; else 32 and 398`,
      flag: "N",
      cli: "queries after which one counts half in ema, or a best does in fading  (32, 398)",
    },
    pool: {
      words: "of a windowed score, over neighbouring tokens: {names}",
      default: PRESET,
      flag: "NAME",
      cli: "of a windowed score, over neighbouring tokens: {names}",
    },
    width: {
      words: "how many neighbours are pooled, the token included: odd",
      default: `${PRESET}; else 7`,
      flag: "N",
      cli: "how many neighbours are pooled, the token included: odd  (7)",
    },
    shared: {
      words: "all lanes of a layer give up the same tokens",
      default: PRESET,
      flag: "",
      cli: "all lanes of a layer give up the same tokens",
    },
    budget: {
      words:
        "live slots (tokens) per lane after a step, `{ share: 0.25 }` of the first prompt, `{ bytes }` of K and V, or " +
        "`{ generated: 48 }` behind the first prompt, which stays; a lane is one KV head of one layer",
      default: "256; `full`: what it needs",
      flag: "N|N%|NKB|+N",
      cli: "live slots after a step, a share of the prompt, bytes, or N behind the prompt  (256; full: as needed)",
    },
    evict: {
      words: "when tokens go: {names}; after `prompt` the cache grows with what is generated",
      flag: "NAME",
    },
    stride: {
      words: "prompt tokens read at once, where there are slots for them",
      default: "up to 64",
      flag: "N",
      cli: "prompt tokens read at once  (64, less under a small budget)",
    },
    spare: {
      words:
        "slots per lane beside the budget, all that a full cache has for the tokens of a prompt that it reads at once",
      default: "`stride` where that is given, else 64, a quarter of the budget at most",
      flag: "N",
      cli:
        "slots beside the budget, to read prompts in  (`stride` where given, else 64, a quarter of the budget at most)",
    },
    countFrom: {
      words:
        "from where on attention counts: {names}; `eviction`: of passes after which something goes, as in EasyKV by itself",
      flag: "NAME",
    },
    aggregate: { words: "attention over the query heads of a KV head: {names}", flag: "NAME" },
    sinks: {
      words: "first tokens that never go, also as a share of the budget",
      default: "4, less under a tiny budget",
      flag: "N|N%",
      cli: "first tokens that never go, also as a share of the budget  (4)",
    },
    newest: { words: "last tokens that never go, likewise", flag: "N|N%" },
    unsettled: {
      words: "tokens of largest spread left out of the scope `low-spread`, with which alone it goes",
      flag: "N|N%",
    },
    peaks: {
      words: "tokens once attended to most left out of the scope `peak`, with which alone it goes",
      flag: "N|N%",
    },
    pinPrompt: { words: "the first prompt never goes", flag: "" },
    pin: {
      words: "spans of positions that never go, `[[from, to], …]`; `session.pin(from, to)` adds one",
      flag: "FROM:TO",
      cli: "tokens at these positions never go, TO not included; may be given more than once",
    },
    positions: {
      words: "{names}: `cache` counts live slots, so that a text may outgrow the positions the model was trained on",
      flag: "NAME",
    },
    allocation: {
      words: "how slots are shared out: {names}; `pyramid` gives early layers more, `adaptive` the lanes that need it",
      flag: "NAME",
    },
    remainder: {
      words: "how many means of keys and values a lane keeps of what is evicted: a query sees each as one more slot",
      flag: "N",
    },
    kv: {
      words: "how K and V are stored: {names}; `f16` takes half, `q8` (bytes with two scales a row) about a quarter",
      default: '`"f16"`, or as `load` was told',
      flag: "NAME",
      cli: "how K and V are stored: {names}; f16 takes half, q8 about a quarter  (f16)",
    },
    exactBudget: {
      words: "where the device refuses the memory of a budget: an error, in place of a smaller one and a warning",
      flag: "",
    },
    onWarning: {
      words: "hears of a budget that had to be smaller, and of what may not be meant",
      default: "`console.warn`",
    },
    seed: { words: "of the policy `random`", flag: "N", cli: "of the policy random" },
    onEvict: { words: "hears of every token that leaves a lane: `{ token, position, layer, head, score }`" },
    onStep: {
      words:
        "hears of every step: `{ ids, first, victims, live(), scores(), attention(), logits }`, logits where the generation asks for them",
    },
    record: { words: "takes a recording of all attention, to be [replayed under other policies](docs/recordings.md)" },
  },
  generate: {
    maxNewTokens: {
      words: "most tokens to generate; 0 reads the prompt only, `Infinity` goes on for ever",
      flag: "N",
      cli: "most tokens to generate  (256)",
    },
    temperature: { words: "0 is greedy", default: "the model's; else 0", flag: "T" },
    topK: { words: "only so many of the likeliest; 0 is all", default: "the model's; else 0", flag: "N" },
    topP: { words: "share of the probability to sample from", default: "the model's; else 1", flag: "P" },
    minP: {
      words: "only what is at least this part as likely as the likeliest",
      default: "the model's; else 0",
      flag: "P",
    },
    typicalP: {
      words: "share of the probability of what surprises about as much as is to be expected",
      default: "the model's; else 1",
      flag: "P",
    },
    repetitionPenalty: {
      words: "divides recent tokens' logits where they are above 0, else multiplies them: above 1, fewer repeats",
      default: "the model's; else 1",
      flag: "N",
    },
    presencePenalty: { words: "taken off recent tokens' logits", flag: "N" },
    frequencyPenalty: { words: "taken off for every time that a recent token was there", flag: "N" },
    penaltyWindow: {
      words: "how many tokens back are recent, the prompt's included: up to 4 096",
      default: "the model's; else 64",
      flag: "N",
    },
    logitBias: {
      words: "added to logits: `{ [id]: bias }`, or `[[id, bias], …]`; `-Infinity` forbids",
      flag: "ID:BIAS",
      cli: "added to the logit of an id; may be given more than once",
    },
    seed: {
      words: "of the sampling",
      default: "the session's draws go on, a new one's from 0",
      flag: "N",
      cli: "of the sampling  (0)",
    },
    stopAtEnd: { words: "the model's end-of-sequence ends the text" },
    stop: {
      words: "strings that end the text; they are not part of it",
      flag: "TEXT",
      cli: "ends the text; may be given more than once",
    },
    stopIds: { words: "ids that end the text, besides the model's own; they are not part of it" },
    banned: { words: "ids never chosen" },
    bannedStrings: {
      words: "strings that the text never has",
      flag: "TEXT",
      cli: "what the text never has; may be given more than once",
    },
    jsonSchema: {
      words: "[a JSON schema](docs/structured.md) that the text fits, or `true`: any JSON",
      flag: "TEXT|@FILE",
      cli: "a JSON schema that the text fits; true: any JSON",
    },
    grammar: {
      words: "[a grammar](docs/structured.md) in GBNF that the text fits",
      flag: "TEXT|@FILE",
      cli: "a grammar in GBNF that the text fits",
    },
    signal: { words: "an `AbortSignal`: the generation ends at the next step" },
    onPrefill: { words: "hears how much of the prompt has been read: `(done, total)`" },
    logprobs: {
      words: "how many of the likeliest ids `onToken` hears of with every one, up to 20",
      default: "of no probabilities",
    },
    onToken: {
      words:
        "hears every id as it is chosen, with `logprobs` how likely it was: `(id, { logprob, top: [{ id, logprob }] })`",
    },
    onLogits: {
      words: "the logits that each id is about to be chosen from; it may change them, to forbid or to force ids",
    },
  },
  chat: {
    pinSystem: { words: "what stands before the first user's words, a system prompt among it, never goes" },
    variables: { words: "what the template may ask for besides the messages" },
    tools: { words: "what the model may call: JSON schemas; its calls are in `session.conversation`" },
    documents: { words: "what the model may look things up in: `{ title, text }`" },
    continueFinal: { words: "the last message, the assistant's, is gone on with, not answered" },
    template: { words: "a Jinja template", default: "the model's" },
  },
  perplexity: {
    first: { words: "tokens at the start that are read but not counted", flag: "N" },
    onProgress: { words: "hears how many tokens have been read: `(done, total)`" },
    signal: { words: "an `AbortSignal`: the measurement ends at the next step" },
  },
  embed: {
    pooling: {
      words: "of the hidden states of a text's tokens: {names}; with `none` all of them are given",
      flag: "NAME",
    },
    normalize: { words: "a vector is divided by its length", flag: "" },
    layer: {
      words: "behind which layer; 0 is the embeddings",
      default: "the last, behind the final norm",
      flag: "N",
    },
    onProgress: { words: "hears how many tokens have been read: `(done, total)`" },
    signal: { words: "an `AbortSignal`: it ends at the next step" },
  },
};
