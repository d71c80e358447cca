/** What --help prints. */
import { policies } from "../policies/index.ts";

export const HELP = `kvcap: language models inside a fixed KV-cache budget

usage: npm start                                     the main job: a story under RoCo, 96 slots per lane
       npm start -- generate PROMPT [options]        continue PROMPT; "-" reads it from standard input
       npm start -- chat [options]                   a conversation, with a model made for it; /help lists its commands
       npm start -- perplexity TEXT [options]        how well the model foresees TEXT; "-", or "@FILE"
       npm start -- replay FILE [options]            what other policies would have kept of a recorded run
       npm start -- models                           the models known by name
       npm start -- pull NAME|hf:…|URL               bring a model into the cache, check it, say where it is
       npm start -- --help

model
  --model WHERE         Hugging Face folder with safetensors, or a .gguf file: a path, a URL, or of the public hub
                        hf:owner/name[@revision][/file]; or a name that \`models\` lists  (the shipped fable-2m)
  --weights q8|q4       quantise weights that the file holds as plain numbers  (as they are)
  --memory NMB          GPU memory never exceeded: weights, K and V, scratch; without --budget, the slots that fit
  --no-cache            files from the network are read where they are, and not kept
cache (slots are tokens, per KV head of every layer)
  --policy NAME         ${wrapped(Object.keys(policies))}  (roco)
                        streaming goes with --positions cache
  --budget N|N%|NKB     live slots after a step, a share of the prompt, or bytes of K and V  (256; full: as needed)
  --stride N            prompt tokens read at once  (64, less under a small budget)
  --sinks N|N%          first tokens always kept, also as a share of the budget  (4)
  --newest N|N%         last tokens always kept  (10%)
  --pin FROM:TO         tokens at these positions are never evicted, TO not included; may be given more than once
  --pin-prompt          never evict the prompt
  --aggregate NAME      how attention is taken over a KV head's query heads: mean or max  (mean)
  --positions NAME      absolute, or cache: count live slots, so that no position passes the budget  (absolute)
  --allocation NAME     how slots are shared out: uniform, pyramid (early layers more) or adaptive  (uniform)
  --kv NAME             how K and V are stored: f32, f16 (half), or q8 (a quarter)  (f16)
  --exact-budget        an error where the GPU refuses the budget's memory, in place of a smaller budget
parts of a policy, in place of its own
  --score NAME          mean, sum, last, recency, random, windowed, persistence: the smallest goes first
  --scope NAME          all, or low-spread: all but the --unsettled tokens
  --unsettled N|N%      tokens of largest spread left out of the scope low-spread  (30%)
  --window N            decode steps or prompt chunks that windowed and persistence look back on  (32, 64)
  --pool NAME           none, max or mean of a windowed score over neighbouring tokens
  --width N             how many neighbours, the token included; odd  (7)
  --shared              all lanes of a layer give up the same tokens
text
  --max-new-tokens N    (256)
  --temperature T       0 is greedy  (0)
  --top-p P             share of the probability to sample from  (1)
  --seed N              of the sampling and of the policy random  (0)
  --stop TEXT           ends the text; may be given more than once
  --ignore-eos          never end: the end-of-sequence token is never chosen
sessions
  --save FILE           keep the session, cache and all, when the text has ended or was stopped
  --resume FILE         go on from a session kept by --save, exactly, with the options of its cache; PROMPT may then be
                        left out
chat (--model smollm2-135m, 512 slots, --positions cache, answers of up to 512 tokens)
  --system TEXT         what the model is told before anything else; it is never evicted
perplexity
  --first N             tokens at the start that are read but not counted  (1)
recordings
  --record FILE         write down every token's attention; with --policy full, so that nothing is lost
  replay takes --policy (more than once), --budget (N, or N% of the tokens recorded), --sinks, --newest, --seed,
  --allocation and the parts of a policy; it needs neither model nor GPU
environment
  KVCAP_CACHE           where files from the network are kept  (kvcap in the system's folder of caches)
  HF_ENDPOINT, HF_TOKEN the hub that hf: means  (https://huggingface.co), and its token, which is sent to it alone
output
  --json                one JSON object on stdout, nothing else
  -h, --help

Text goes to stdout, progress and the report to stderr.
Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** Names on two lines. */
function wrapped(names: string[]): string {
  const half = Math.ceil(names.length / 2);
  return `${names.slice(0, half).join(", ")},\n${" ".repeat(24)}${names.slice(half).join(", ")}`;
}
