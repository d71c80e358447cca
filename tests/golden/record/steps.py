"""Records tokenizer-steps.json: hard texts through every normalizer, pre-tokenizer and token model of Hugging Face tokenizers that kvcap has.

    python tests/golden/record/steps.py OUT_DIR

{texts, models: {NAME: model of a tokenizer.json}, kinds: [{name, model, normalizer, pre_tokenizer, decoder, found: [index into ids, one for
each text]}], ids: [[id]], decoded: [[text of ids, …] of the kinds with a decoder of their own]}. The BPE was trained on the texts whole, so that its
merges go across every place where a text may be split; a character that it has not is unknown. The charsmap is SentencePiece's, of a few rules.
"""
import base64
import io
import json
import random
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, trainers

from common import arguments, out_folder
from splits import TEXTS as SPLIT

TEXTS = SPLIT + [
    "a\u0085b\u0085", "\ufeffx\ufeff y \ufeff", "\u2028\u2029\u3000a\u1680b\u00a0c\u202f", "\x1c\x1d\x1e\x1fz\x1f", "\u200b \u180e a\u2060", "  \t\n", "ΑΣ ΟΔΥΣΣΕΥΣ Σ İstanbul ẞ",
    "a-b--c!?d…e—f", "$1 $& $$ a+a", "ﬁ ① Ａ e\u0301\u0301 😀\u200d \u00ad\r\n", "漢字𠀀a\U0002b740b", "\ue000\u200e\u0007x", "1½२ 22 ⅻ", "\U0001f600\U0001f601\U0001f602",
]


UNTRAINED = ["<unk> x<unk>y", "ⴰⴱ ⴰ the ⴲ"]


def trained(trainer, model):
    tokenizer = Tokenizer(model)
    halves = ["".join(text[i:i + 3] for i in range(0, len(text), 2)) for text in TEXTS]
    tokenizer.train_from_iterator([text.lower() for text in TEXTS] + [text.replace(" ", "▁") for text in TEXTS] + TEXTS + halves, trainer)
    return json.loads(tokenizer.to_str())["model"]


def token_models():
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    bpe = trained(trainers.BpeTrainer(vocab_size=1100, special_tokens=["<unk>"], show_progress=False), models.BPE(unk_token="<unk>"))
    yield "BPE", {**bpe, "merges": bpe["merges"]}
    random.seed(1)
    tokens = [token for token in bpe["vocab"] if token != "<unk>"]
    unigram = [["<unk>", 0.0]] + [[token, -round(random.uniform(9, 14) if len(token) == 1 else random.uniform(4, 12), 3)] for token in tokens]
    yield "Unigram", {"type": "Unigram", "unk_id": 0, "vocab": unigram, "byte_fallback": False}
    few = [entry for entry in unigram if entry[0].isascii() or len(entry[0]) > 1]
    yield "Unigram with bytes", {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": few + [[token, 0.0] for token in bytes_]}


RULES = ["FB01\t66 69", "2460\t31", "FF21\t41", "65 301\tE9", "200B\t20", "AD\t", "1F600\t3A 29", "9\t20", "D A\t20", "61 62\t63"]


def charsmap():
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write("".join(f"{rule}\n" for rule in RULES))
        rules.flush()
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["a b c ab bc ca"]), model_writer=model, vocab_size=8, hard_vocab_limit=False, normalization_rule_tsv=rules.name,
                                                 minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


def kinds():
    """Name, model, normalizer, pre-tokenizer, decoder."""
    yield "as it is", "BPE", None, None
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    yield "Strip", "BPE", strip, None
    yield "Strip, left", "BPE", {**strip, "strip_right": False}, None
    yield "Strip, right", "BPE", {**strip, "strip_left": False}, None
    for kind in ("StripAccents", "Lowercase", "NFD", "NFKC", "NFKD", "Nmt", "ByteLevel"):
        yield f"{kind}, normalizer", "BPE", {"type": kind}, None
    yield "Strip, then Prepend", "BPE", {"type": "Sequence", "normalizers": [strip, {"type": "Prepend", "prepend": "▁"}]}, None
    yield "Replace, text", "BPE", {"type": "Replace", "pattern": {"String": "a"}, "content": "$&$1"}, None
    yield "Replace, pattern", "BPE", {"type": "Replace", "pattern": {"Regex": r"\s{2,}|\d"}, "content": " "}, None
    yield "Precompiled", "BPE", {"type": "Precompiled", "precompiled_charsmap": charsmap()}, None
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    yield "BertNormalizer", "BPE", bert, None
    yield "BertNormalizer, cased", "BPE", {**bert, "lowercase": False, "clean_text": False}, None
    yield "BertNormalizer, accents", "BPE", {**bert, "strip_accents": False, "handle_chinese_chars": False}, None
    for kind in ("WhitespaceSplit", "Whitespace", "BertPreTokenizer"):
        yield kind, "BPE", None, {"type": kind}
    behaviors = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    for behavior in behaviors:
        yield f"Punctuation, {behavior}", "BPE", None, {"type": "Punctuation", "behavior": behavior}
        for invert in (False, True):
            split = {"type": "Split", "pattern": {"Regex": r"[\s\p{P}]|\p{N}+"}, "behavior": behavior, "invert": invert}
            yield f"Split, {behavior}{', inverted' * invert}", "BPE", None, split
    yield "Split, text", "BPE", None, {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    yield "CharDelimiterSplit", "BPE", None, {"type": "CharDelimiterSplit", "delimiter": "a"}
    yield "FixedLength", "BPE", None, {"type": "FixedLength", "length": 3}
    for each in (False, True):
        yield f"Digits{', each' * each}", "BPE", None, {"type": "Digits", "individual_digits": each}
    for scheme in ("always", "first", "never"):
        for split in (False, True):
            metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
            decoder = [metaspace] if scheme == "never" else []  # else it drops every space of the first token: kvcap keeps all but one
            yield f"Metaspace, {scheme}{', split' * split}", "BPE", None, metaspace, *decoder
    yield "WhitespaceSplit, then Metaspace, first", "BPE", None, {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}]}
    yield "ByteLevel, prefixed", "BPE", None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    yield "ByteLevel, prefixed, behind digits", "BPE", None, {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}]}
    yield "no decoder", "BPE", None, {"type": "WhitespaceSplit"}, None
    fuse = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}
    yield "Unigram", "Unigram", None, None, fuse
    yield "Unigram, split", "Unigram", None, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}, fuse
    yield "Unigram with bytes", "Unigram with bytes", None, None


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    path = parser.parse_args().out / "tokenizer-steps.json"
    made, ids, out = dict(token_models()), {}, []
    for name, model, normalizer, pre_tokenizer, *decoder in kinds():
        steps = {"normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "decoder": decoder[0] if decoder else {"type": "Fuse"}}
        spec = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "post_processor": None, "model": made[model], **steps}
        tokenizer = Tokenizer.from_str(json.dumps(spec))
        found = [tuple(tokenizer.encode(text, add_special_tokens=False).ids) for text in TEXTS + UNTRAINED]
        decoded = {"decoded": [tokenizer.decode(one, skip_special_tokens=False) for one in found]} if decoder else {}
        out.append({"name": name, "model": model, **steps, "found": [ids.setdefault(one, len(ids)) for one in found], **decoded})
    parts = {"texts": TEXTS + UNTRAINED, "models": made, "kinds": out, "ids": list(ids)}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in parts.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf8")
    print(path, len(out), len(parts['texts']), len(ids))


main()
