/**
 * How byte-level tokenizers split text, by the name that GGUF files give it (`tokenizer.ggml.pre`; the names are those of
 * llama.cpp's llama-vocab.cpp). Patterns are those of the models' own tokenizer.json where these are known.
 */

/** What a name stands for. */
export interface Splitting {
  /** One pattern after the other splits what the one before left; what none matches is a piece, too. */
  readonly patterns: readonly string[];
  /** Whether a piece that is a token becomes it, whatever the merges. */
  readonly ignoreMerges?: boolean;
  /** Whether texts begin with bos where the file says nothing. */
  readonly addBos?: boolean;
  /** Whether text is brought to Unicode's normal form C first. */
  readonly nfc?: boolean;
}

/** GPT-2's, which a ByteLevel pre-tokenizer stands for. */
export const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
const SIGNS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
const SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const joined = (...parts: string[]) => parts.join("|");
/** The pattern of Llama 3 and Qwen 2, which differ in how many digits stay together. */
const words = (digits: string, spaces = SPACES) => joined(SHORT, WORD, digits, SIGNS, spaces);
const ONE = "\\p{N}", THREE = "\\p{N}{1,3}";

/** The pattern of GPT-4o: words end where capitals begin. @param not in front of every letter: those that are none */
function cased(ending: string, digits: string, not = ""): string {
  const upper = `(?:${not}[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}])`, lower = `(?:${not}[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}])`;
  const first = "[^\\r\\n\\p{L}\\p{N}]?";
  const signs = ` ?[^\\s\\p{L}\\p{N}]+${not ? "[\\r\\n]*" : "[\\r\\n/]*"}`;
  return joined(`${first}${upper}*${lower}+${ending}`, `${first}${upper}+${lower}*${ending}`, digits, signs, SPACES);
}
const GPT4O = cased(`${SHORT}?`, THREE);

/** DeepSeek's words: signs stick to the Latin letters behind them. */
const deepseek = (signs: string, spaces: string) =>
  joined(
    "[!\"#$%&'()*+,\\-.\\/:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+",
    "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+",
    signs,
    spaces,
  );
const DEEPSEEK = deepseek(" ?[\\p{P}\\p{S}]+[\\r\\n]*", SPACES);
const CJK = "[一-龥\u3040-ゟ゠-ヿ]+";
const HAN_AND_HANGUL = "[一-龥ࠀ-一가-퟿]+";
/** Letters that have cases, of Unicode 13. */
const CASED =
  "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbe" +
  "ῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃";
const BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+";
const DIGITS_FROM_THE_END = "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))";
/** Spaces in powers of two. */
const HALVES = [512, 256, 128, 64, 32, 16, 8, 4].map((n) => `\\s{${n}}(?!\\S)`).join("|") + "|\\s{1,2}(?!\\S)|\\s{1}";

const LLAMA3: Splitting = { patterns: [words(THREE)], ignoreMerges: true, addBos: true };
const TABLE: [names: string, splitting: Splitting][] = [
  ["default", { patterns: ["[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"] }],
  [
    "gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code gigachat a.x-4.0 mellum modern-bert roberta-bpe " +
    "exaone4 mpt olmo jais trillion granite-docling",
    { patterns: [GPT2] },
  ],
  ["smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", { patterns: [ONE, GPT2] }],
  ["falcon", { patterns: ["[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"] }],
  ["llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", LLAMA3],
  ["dbrx smaug-bpe glm4 chatglm-bpe", { patterns: [words(THREE)] }],
  ["jais-2", { patterns: [words(THREE, `\\s*[\\r\\n]+|${HALVES}`)] }],
  ["minicpm5", { patterns: [THREE, words("\\p{N}+")], ignoreMerges: true }],
  ["qwen2 deepseek-r1-qwen megrez", { patterns: [words(ONE)], nfc: true }],
  ["kormo f2llmv2 stablelm2 hunyuan solar-open grok-2", { patterns: [words(ONE)] }],
  ["ufakzeka", { patterns: [joined(WORD, ONE, SIGNS, SPACES)] }],
  ["laguna", { patterns: ["[^\\n]+|[\\n]+", words(ONE)] }],
  ["qwen35", {
    patterns: [
      joined(SHORT, "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+", ONE, " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*", SPACES),
    ],
    nfc: true,
  }],
  ["bailingmoe bailingmoe2 llada-moe", {
    patterns: [joined("'(?i:[sdmt]|ll|ve|re)", WORD, ONE, SIGNS, "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+")],
  }],
  ["seed-coder", { patterns: [joined(SHORT, WORD, ONE, " ?[^\\s\\p{L}\\p{N}\\r\\n]+", SPACES)] }],
  ["exaone-moe", {
    patterns: [
      joined(
        SHORT,
        "[^\\r\\n\\p{L}\\p{N}]?\\p{L}\\p{M}*(?: ?\\p{L}\\p{M}*)*",
        ONE,
        " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?",
        "\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
      ),
    ],
  }],
  ["gpt-4o llama4 kanana2 talkie minimax-m2", { patterns: [GPT4O] }],
  ["granite-embed-multi-97m", { patterns: [GPT4O], ignoreMerges: true }],
  ["tekken", { patterns: [cased("", ONE)], ignoreMerges: true, addBos: true }],
  ["tiny_aya cohere2moe", { patterns: ["\\d{1,3}(?=(?:\\d{3})*\\b)", GPT4O] }],
  ["kimi-k2", { patterns: [joined("\\p{Script=Han}+", cased(`${SHORT}?`, THREE, "(?!\\p{Script=Han})"))] }],
  ["youtu", {
    patterns: [
      `[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|${CJK}`,
      cased(`${SHORT}?`, ONE),
    ],
    ignoreMerges: true,
  }],
  ["deepseek-llm", {
    patterns: ["[\\r\\n]", `\\s?[${CASED}]+`, "\\s?[!-\\/:-~！-／：-～‘-‟　-。]+", "\\s+$", HAN_AND_HANGUL, "\\p{N}+"],
  }],
  ["deepseek-coder", { patterns: ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", HAN_AND_HANGUL, ONE] }],
  ["deepseek-v3 hunyuan-dense joyai-llm hy_v4", { patterns: [THREE, CJK, DEEPSEEK] }],
  ["spark2_5", { patterns: [THREE, CJK, deepseek(" ?[\\p{P}\\p{S}]+", "[\\r\\n]|\\s+(?!\\S)|\\s+"), ONE] }],
  ["afmoe", {
    patterns: [
      DIGITS_FROM_THE_END,
      "[一-鿿㐀-䶿豈-\ufaff\u3040-ゟ゠-ヿ･-ﾟ⼀-⿟เ-\u0e7f\u0e80-\u0effក-\u17ffက-႟ꩠ-ꩿꧠ-\ua9ff가-\ud7afᄀ-ᇿ]+",
      DEEPSEEK,
    ],
  }],
  ["poro-chat bloom gpt3-finnish", { patterns: [BLOOM] }],
  ["viking", { patterns: [BLOOM, ONE] }],
  ["superbpe", { patterns: ["\\p{N}+", "(?=(?:\\d{3})+(?!\\d))"] }],
  ["chameleon", {
    patterns: [
      "<sentinel:[0-9]+>",
      "IMGIMG(?:A|B|C|D|E|F|G|H|I){1,4}Z",
      "[\\t\\n]|    |  ",
      ONE,
      "[\\p{P}!-\\/:-@\\[-`{-~]",
      GPT2,
    ],
    addBos: true,
  }],
];

/** By name. */
export const SPLITTINGS: ReadonlyMap<string, Splitting> = new Map(
  TABLE.flatMap(([names, splitting]) => names.split(" ").map((name): [string, Splitting] => [name, splitting])),
);
