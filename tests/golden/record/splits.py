"""Records tokenizer-splits.json: hard texts through Hugging Face tokenizers, split as models split them whose GGUF files name how.

    python tests/golden/record/splits.py OUT_DIR

{tokens, merges, texts, names: {NAME: [index into ids, one for each text]}, ids: [[id]]}. The tokens are those of a byte-level BPE that was
trained on the texts whole, so that its merges go across every place where a text may be split. The patterns are those of tokenizer.json of
a model that was converted under the name, spelt out, as Oniguruma reads them; where no such file is known, llama.cpp's own (llama-vocab.cpp).
"""
import json
import random

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from common import arguments, out_folder

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
GPT4O = (r"[^\r\n\p{L}\p{N}]?%s*%s+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?%s+%s*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+") % (UPPER, LOWER, UPPER, LOWER)
TEKKEN = (r"[^\r\n\p{L}\p{N}]?%s*%s+|[^\r\n\p{L}\p{N}]?%s+%s*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+") % (UPPER, LOWER, UPPER, LOWER)
NO_HAN = tuple(part[:-1] + r"&&[^\p{Han}]]" for part in (UPPER, LOWER, UPPER, LOWER))
KIMI = (r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?%s*%s+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?%s+%s*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+") % NO_HAN
YOUTU = GPT4O.replace(r"\p{N}{1,3}", r"\p{N}")
DEEPSEEK3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
             r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPARK = DEEPSEEK3.replace(r"[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+", r"[\p{P}\p{S}]+|[\r\n]")
BAILING = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
SEED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
EXAONE = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
          r"|\s*[\r\n]|\s+(?!\S)|\s+")
JAIS2 = LLAMA3.removesuffix(r"\s+(?!\S)|\s+") + (
    r"\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}")
MINICPM5 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}+")
UFAKZEKA = QWEN2.removeprefix("(?i:'s|'t|'re|'ve|'m|'ll|'d)|")
CJK = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
HAN_HANGUL = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
AFMOE_CJK = ("[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f\u0e80-\u0eff"
             "\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+")
CASED = ("A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌ"
         "ῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-\u212dℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃")
BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"

# name: patterns, whether a piece that is a token becomes it, and whether text is normalised
NAMES = {
    "default": ([r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"], False, False),
    "gpt-2": ([GPT2], False, False),
    "smollm": ([r"\p{N}", GPT2], False, False),
    "falcon": ([r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"], False, False),
    "llama-bpe": ([LLAMA3], True, False),
    "smaug-bpe": ([LLAMA3], False, False),
    "jais-2": ([JAIS2], False, False),
    "minicpm5": ([r"\p{N}{1,3}", MINICPM5], True, False),
    "deepseek-r1-qwen": ([QWEN2], False, True),
    "stablelm2": ([QWEN2], False, False),
    "ufakzeka": ([UFAKZEKA], False, False),
    "laguna": (["[^\\n]+|[\\n]+", QWEN2], False, False),
    "qwen35": ([QWEN35], False, True),
    "bailingmoe": ([BAILING], False, False),
    "seed-coder": ([SEED], False, False),
    "exaone-moe": ([EXAONE], False, False),
    "gpt-4o": ([GPT4O], False, False),
    "granite-embed-multi-97m": ([GPT4O], True, False),
    "tekken": ([TEKKEN], True, False),
    "tiny_aya": ([r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O], False, False),
    "kimi-k2": ([KIMI], False, False),
    "youtu": (["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u3040-ゟ゠-ヿ]+", YOUTU], True, False),
    "deepseek-llm": (["[\r\n]", rf"\s?[{CASED}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", HAN_HANGUL, r"\p{N}+"], False, False),
    "deepseek-coder": (["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN_HANGUL, r"\p{N}"], False, False),
    "deepseek-v3": ([r"\p{N}{1,3}", CJK, DEEPSEEK3], False, False),
    "spark2_5": ([r"\p{N}{1,3}", CJK, SPARK, r"\p{N}"], False, False),
    "afmoe": ([r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))", AFMOE_CJK, DEEPSEEK3], False, False),
    "bloom": ([BLOOM], False, False),
    "viking": ([BLOOM, r"\p{N}"], False, False),
    "superbpe": ([r"\p{N}+", r"(?=(\d{3})+(?!\d))"], False, False),
    "chameleon": (["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", r"\p{N}",
                   r"[\p{P}!-/:-@\[-`{-~]", GPT2], False, False),
}

TEXTS = [
    "", " ", "Hello world", "  the  end  ", "½'ll ٣'ll Ⅻ'll 12'll", "1½2²3٣४५", "a\u0085b \u0085'll", "x \ufeff y\ufeff", "\u2028\u3000\u00a0'll", "DON'T don'T I'M \u017fs 'S",
    "\r\n\r\n  \n\tx\r", "e\u0301 \u212b \ufb01 \u1100\u1161 \uac01", "😀👩\u200d👧 你好 नमस्ते", "12345678 1,000.5 1234567 12 1 123 1234", "a ½ 12 ٣ ½ 12", "helloWorld HTTPServer iPhone XMLHttpRequest aB Ab",
    "def f(x):\n    return x**2  # squared\n\n\n\tprint(f'{x!r}')", "https://example.org/a/b?c=d&e=f#g", "a/b//c\n/d", "!!! ... --- ?! (a) [b] {c} <d>", "'s 't 're 've 'm 'll 'd 'x '", "you'll YOU'LL You'Ll", "x'y'z",
    "日本語のテキスト、カタカナ。漢字かな交じり文123", "中文文本，没有空格。第12章", "한국어 텍스트 ㄱㄴㄷ", "ㄅㄆㄇ ！？：；", "Привет, мир! Ёлка", "Ελληνικά κείμενο ΑΒΓ αβγ", "العربية نص، ١٢٣", "עברית טקסט", "ไทย ภาษา", "हिन्दी पाठ। १२३", "বাংলা পাঠ্য", "ქართული Ⴀ",
    "ǅ ǈ ʰ ˀ ﬀ ªº", "a\u0300e\u0301o\u0308 n\u0303", "   leading", "trailing   ", "tab\tand\t\ttabs", "new\nline\n\nlines\n", "mixed \t \n \r\n x", "$5.00 €10 £3 ¥7 +1=2 <3 ~4 ^5 |6`7", "<sentinel:12> IMGIMGABZ IMGIMGABCDEFZ",
    "𝒳𝒴 𝟏𝟐𝟑 🇬🇧", "\x00\x01\x7f", "0x1F 3.14e-10 1_000 v2.0.1", "I'm  sure\u00a0it's\u200bfine", "one.\n\ntwo!\n\n\nthree?\n\nfour.\n\n", "\n\n\n\n  \n\n.\n\n!\n", "q" * 30 + "  " * 9 + "z",
]

# Tokens that no merge makes.
UNREACHED = ["HTTP", "Server", "ĠHTTPServer", "helloWorld", "Ġthe", "Ġend", "123", "12345", "the", "ĠiPhone", "XMLHttpRequest", "you", "'ll"]


def trained(texts):
    """A byte-level BPE whose merges know no words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=1500, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda pair: pair[1])]
    return tokens, [tuple(merge) for merge in model["merges"]]


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    path = parser.parse_args().out / "tokenizer-splits.json"
    random.seed(1)
    parts = [part for text in TEXTS for part in text.split(" ") if part]
    mixed = [" ".join(random.choices(parts, k=6)) for _ in range(8)] + ["".join(random.choices(parts, k=6)) for _ in range(8)]
    texts = TEXTS + mixed
    halves = ["".join(text[i:i + 3] for i in range(0, len(text), 2)) for text in texts]
    tokens, merges = trained(texts + halves)
    tokens += [token for token in UNREACHED if token not in tokens]
    vocab = {token: id for id, token in enumerate(tokens)}
    ids, names = {}, {}
    for name, (patterns, ignore, nfc) in NAMES.items():
        tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=ignore))
        splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        tokenizer.decoder = decoders.ByteLevel()
        if nfc:
            tokenizer.normalizer = normalizers.NFC()
        found = [tuple(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts]
        names[name] = [ids.setdefault(one, len(ids)) for one in found]
    out = {"tokens": tokens, "merges": merges, "texts": texts, "names": names, "ids": list(ids)}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in out.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf8")
    print(path, len(names), len(texts), len(ids))


if __name__ == "__main__":
    main()
