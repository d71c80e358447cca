"""Records tokenizer-kinds.json: hard texts through Hugging Face tokenizers, under many kinds of tokenizer.json.

    python tests/golden/record/tokenizer_kinds.py OUT_DIR

Every kind is a tokenizer.json of this repository (`base`) with some of its fields replaced (`patch`) and pairs of its tokens merged
(`merges`): [{name, base, patch, merges, cases: [{text, ids, plain, decoded}]}]. `decoded` is the text of ids.
"""
import json
import random

from tokenizers import Tokenizer

from common import ROOT, arguments, out_folder, read_json

BPE, SP = "models/fable-2m/tokenizer.json", "tests/golden/models/tiny-qwen2/tokenizer.json"
WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|%s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"


def split(pattern):
    parts = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
             {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": parts}}


def added(*tokens):
    names = ("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
    return {"added_tokens": [dict(zip(names, token)) for token in tokens]}


def kinds():
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    digits = {"type": "Digits", "individual_digits": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    yield "digits and byte-level", BPE, {}
    yield "digits in runs", BPE, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]}}
    yield "GPT-2", BPE, {"pre_tokenizer": byte_level}
    yield "Qwen", BPE, {"normalizer": {"type": "NFC"}, **split(WORDS % "\\p{N}")}
    yield "Llama 3", BPE, split(WORDS % "\\p{N}{1,3}")
    yield "SentencePiece", SP, {}
    yield "Metaspace", SP, {"normalizer": None, "pre_tokenizer": metaspace, "decoder": metaspace}
    yield "Metaspace behind normalised added tokens", SP, {
        "normalizer": None, "pre_tokenizer": metaspace, "decoder": metaspace, **added((1, "<s>", False, False, False, True, True))}
    yield "normalised added tokens", SP, added(
        (0, "<unk>", False, False, False, True, True), (1, "<s>", False, False, False, True, True), (2, "</s>", False, False, False, True, True))
    yield "added tokens of every kind", SP, added(
        (0, "<unk>", False, False, False, False, True), (1, "<s>", False, False, False, False, True), (2, "</s>", False, True, False, False, True),
        (512, "<tool call>", False, True, True, False, False), (513, "wörd", True, False, False, True, False),
        (514, "<s><s>", False, False, False, False, True), (515, "the", True, False, True, False, False))


# Numerals stick to each other and to a space, unless they are split.
MERGES = [["1", "2"], ["Â", "½"], ["Â½", "Â½"], ["Ù", "£"], ["Ù£", "Ù£"], ["Ġ", "Â½"], ["Ġ", "12"]]

TEXTS = [
    "", " ", "Hello world", "  the  end  ", "½'ll ٣'ll Ⅻ'll 12'll", "1½2²3٣४५", "a\u0085b \u0085'll", "x \ufeff y\ufeff", "\u2028\u3000\u00a0'll",
    "DON'T don'T I'M \u017fs 'S", "\r\n\r\n  \n\tx\r", "e\u0301 \u212b \ufb01 \u1100\u1161 \uac01", "😀👩\u200d👧 你好 नमस्ते", "<s>the</s> the<s><s>the <unk>",
    " </s> <tool call>  wörd xwörd wörd! the,then _the the\u0301", "<|bos|>Once <|eos|> upon<|bos|>", "▁the ▁▁ <0x41> Ġa", "\x00\x01\x7f", "12345678 1,000.5", "½½ ½½ ٣٣ 1212 12", "a ½ 12 ٣ ½ 12",
]


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    path = parser.parse_args().out / "tokenizer-kinds.json"
    random.seed(1)
    alphabet = [*"abet ioh\n'.,<>|01", "\u0085", "\ufeff", "½", "٣", "é", "e\u0301", "好", "😀", " the", "<s>", "</s>", "wörd", "<|eos|>", "<tool call>", "'ll"]
    texts = TEXTS + ["".join(random.choices(alphabet, k=12)) for _ in range(12)]
    out = []
    for name, base, patch in kinds():
        spec = {**read_json(ROOT / base), **patch}
        merges = MERGES if base == BPE else []
        for pair in merges:
            spec["model"]["vocab"]["".join(pair)] = len(spec["model"]["vocab"])
            spec["model"]["merges"].append(pair)
        tokenizer = Tokenizer.from_str(json.dumps(spec))
        cases = []
        for text in texts:
            tokenizer.encode_special_tokens = False
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = True
            plain = tokenizer.encode(text, add_special_tokens=False).ids
            cases.append({"text": text, "ids": ids, "plain": plain, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
        out.append({"name": name, "base": base, "patch": patch, "merges": merges, "cases": cases})
    lines = ",\n".join(json.dumps(kind) for kind in out)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf8")
    print(path, len(out))


main()
