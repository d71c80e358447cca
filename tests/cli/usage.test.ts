// What the command line says of itself, and to mistakes. The quick run makes twelve of those in flags, drawn anew every day.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { kvcap, kvcapRefuses } from "../support/command.ts";
import { chosen } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";

const usage = suite("command line: usage");

const WRONG: [string[], string][] = [
  [["generate"], "generate takes one prompt (in quotes), got none"],
  [["generate", "a", "b"], "generate takes one prompt (in quotes), got 2"],
  [
    ["answer", "x"],
    "the command must be one of generate, chat, perplexity, embed, eval, sweep, fit, record, replay, serve, models, pull, lab, profile, help, completion, got answer",
  ],
  [
    ["--budget", "8"],
    "the command must be one of generate, chat, perplexity, embed, eval, sweep, fit, record, replay, serve, models, pull, lab, profile, help, completion, got none",
  ],
  [["generate", "x", "--bugdet", "8"], 'a flag must be one that --help lists, got "--bugdet"'],
  [["generate", "x", "--budget"], "--budget"],
  [
    ["generate", "x", "--budget", "many"],
    '--budget must be slots (128), a share of the prompt (25%), bytes (512KB) or a number behind the prompt (+48), got "many"',
  ],
  [["generate", "x", "--budget", ""], 'behind the prompt (+48), got ""'],
  [["generate", "x", "--budget=-3"], "budget must be a whole number from 1 to 4194304, got -3"],
  [
    ["generate", "x", "--budget", "5", "--sinks", "4", "--newest", "1"],
    "budget must be above sinks + newest = 5, got 5",
  ],
  [
    ["generate", "x", "--policy", "best"],
    "policy must be one of roco, crest, h2o, tova, tova-layer, scissorhands, snapkv, ",
  ],
  [["generate", "x", "--json-schema", "{"], "--json-schema must be JSON, or @FILE, got: "],
  [["generate", "x", "--json-schema", "3"], "--json-schema must be a JSON schema, or true for any JSON, got 3"],
  [
    ["generate", "x", "--json-schema", '{"type":"text"}'],
    "Cannot read the schema: type must be one of null, boolean, ",
  ],
  [
    ["generate", "x", "--grammar", "root := a"],
    "Cannot read the grammar: line 1: there must be a ::= behind a rule's name",
  ],
  [["generate", "x", "--score", "best"], 'recency, random, windowed, persistence, ema, fading, got "best"'],
  [["generate", "x", "--scope", "few"], 'scope must be one of all, low-spread, peak, got "few"'],
  [["generate", "x", "--window", "8"], "window goes with the scores windowed, persistence and fading only, got 8"],
  [["generate", "x", "--score", "windowed", "--window", "0"], "window must be a whole number from 1 to 65535, got 0"],
  [["generate", "x", "--policy", "snapkv", "--width", "4"], "width must be an odd number from 1 to 255, got 4"],
  [["generate", "x", "--policy", "full", "--shared"], "shared must be left out with the policy full"],
  [["generate", "x", "--allocation", "even"], "allocation must be one of uniform, pyramid, adaptive"],
  [["generate", "x", "--sinks", "100%"], "sinks must be a number of tokens or a share of the budget below 100%, got"],
  [["generate", "x", "--newest", "some"], '--newest must be a number, got "some"'],
  [["generate", "x", "--pin", "4"], '--pin must be FROM:TO, as 0:20, got "4"'],
  [["generate", "x", "--pin", "4:4"], "a pinned span's to must be a whole number from 5"],
  [["generate", "x", "--budget", "16", "--pin", "0:20"], "budget must be above sinks and pinned tokens + newest = 21"],
  [["generate", "x", "--first", "2"], 'generate takes no --first; see --help, got "2"'],
  [["generate", "x", "--policy", "h2o", "--policy", "tova"], "--policy may be given once only, got 2"],
  [["generate", "x", "-p", "y"], 'the prompt must be given once, got "x"'],
  [["help", "perplexty"], "got perplexty; see --help; did you mean perplexity?"],
  [["completion", "tcsh"], "the shell must be one of bash, zsh, fish, got tcsh"],
  [["completion", "fihs"], "got fihs; did you mean fish?"],
  [["completion"], "completion takes one shell (bash, zsh, fish), got none"],
  [["generate", "x", "--polcy", "roco"], 'got "--polcy"; did you mean --policy?'],
  [["generate", "x", "--ctx-siz", "9"], 'got "--ctx-siz"; did you mean --ctx-size?'],
  [["generate", "x", "--policy", "crets"], 'got "crets"; did you mean crest?'],
  [["replay"], "replay takes one file, got none"],
  [["replay", "x", "--stride", "2"], "replay takes no --stride"],
  [["perplexity"], 'perplexity takes one text (in quotes, "-" or "@FILE"), got none'],
  [["perplexity", "x", "--temperature", "1"], "perplexity takes no --temperature"],
  [["perplexity", "x", "--first", "0"], "Cannot measure perplexity: first must be a whole number from 1"],
  [["generate", "x", "--temperature", "NaN"], '--temperature must be a number, got "NaN"'],
  [["generate", "x", "--temperature=-1"], "temperature must be a number from 0 to 100, got -1"],
  [["generate", "x", "-n=-1"], "--max-new-tokens must be a whole number from 0 to 9007199254740991, got -1"],
  [["generate", "x", "--budget", "-5"], "--budget must have a value behind it, one with a dash as --budget=-5, got -5"],
  [["generate", "x", "--seed"], "--seed must have a value behind it, got none"],
  [["generate", "x", "--json=3"], '--json takes no value; see --help, got "--json=3"'],
  [["generate", "x", "--max-new-tokens", "-1"], "--max-new-tokens must have a value behind it"],
  [["generate", "x", "--top-p", "0"], "--top-p must be a number above 0 and at most 1, got 0"],
  [["generate", "x", "--kv", "q4"], 'kv must be one of f32, f16, q8, got "q4"'],
  [["generate", "x", "--memory", "much"], '--memory must be bytes (512MB), got "much"'],
  [["generate", "x", "--memory", "25%"], '--memory must be bytes (512MB), got "25%"'],
  [["generate", "x", "--memory", "0MB"], "memory must be a whole number from 1"],
  [["perplexity", "x", "--weights", "q5"], 'Cannot load model: weights must be one of q8, q4, got "q5"'],
  [["generate", "x", "--seed", "1.5"], "seed must be a whole number"],
  [["generate", "x", "--stop", ""], "a stop string must not be empty"],
];
for (const [args, words] of chosen(WRONG, () => "any", 12)) {
  usage(args.join(" "), async () => {
    await kvcapRefuses(args, 2, words);
  });
}
usage.run();

const errors = suite("command line: errors");
errors("what cannot be loaded or read", async () => {
  const cases: [string[], string][] = [
    [["generate", "x", "--model", "no/such/folder"], "Cannot load model: "],
    [["generate", ""], "Cannot generate: the prompt must not be empty"],
    [["perplexity", "@no/such/file"], "Cannot read the text: no/such/file must be a file to read, got no such file"],
    [["replay", "no/such/file"], "Cannot read the recording: no/such/file must be a file to read, got no such file"],
    [["replay", repoPath("package.json")], "Cannot read the recording: it must be a recording of kvcap, got "],
    [
      ["generate", "x", "--record", "/no/such/folder/file"],
      "Cannot record: /no/such/folder/file must be a file to write, got no such folder",
    ],
    [["perplexity", "x", "--first", "20"], "Cannot measure perplexity: the text must have at least 21 tokens, got 2"],
    [
      ["generate", "x", "--policy", "full", "--budget", "20"],
      "must fit the full cache's budget of 20 slots, got 0 before + ",
    ],
  ];
  for (const [args, words] of cases) {
    await kvcapRefuses(args, 1, words);
  }
});
errors("a machine without an adapter", async () => {
  const none = { VK_DRIVER_FILES: "/none", DENO_WEBGPU_BACKEND: "vulkan" };
  const { code, stderr } = await kvcap(["generate", "x", "--device", "webgpu"], none);
  assert.is(code, 1);
  assert.match(stderr, /^Cannot open the GPU: WebGPU must offer an adapter, got none[^\n]*\n$/);
  const other = await kvcap(["generate", "x", "--max-new-tokens", "3", "--threads", "1"], none);
  assert.is(other.code, 0, other.stderr);
  assert.match(other.stderr, /tokens\/s on WebAssembly \((relaxed )?SIMD, 1 thread\): WebGPU offers no adapter\n/);
});
errors.run();
