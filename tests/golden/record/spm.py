"""Records sentencepiece.json: texts through transformers' tokenizers of folders that have a tokenizer.model of SentencePiece and no tokenizer.json.

    python tests/golden/record/spm.py OUT_DIR

{texts, models: {NAME: tokenizer.model in base64}, cases: [{name, model, family, files, added, names, bos, eos, whole, found: [index into ids,
one for each text], decoded}], ids}: `family` is `model_type` of config.json, `whole` the first text with what is put around it. The models were
trained on these texts, with 700 and 500 pieces.
"""
import base64
import contextlib
import io
import json
import tempfile
from pathlib import Path

import sentencepiece
from transformers import AutoTokenizer

from common import arguments, out_folder
from splits import TEXTS as SPLIT

TEXTS = ["the  end"] + SPLIT + ["▁the ▁▁ x", "<s> the <|user|>the<|ctl|> end</s>", "<|ren|> a <|new|> b <x>", "  <|user|>  x ", "\u0085 a\ufeff \t b ", "ﬁ ① Ａ", "ⴰⴱ ⴰ"]
RULES = ["FB01\t66 69", "2460\t31", "FF21\t41", "65 301\tE9", "9\t20", "A0\t20", "3000\t20"]
LLAMA = {"tokenizer_class": "LlamaTokenizer"}


def trained(kind, **options):
    lines = [line for text in SPLIT * 3 + ["the cat and the dog, the end of the tale"] * 5 for line in text.split("\n") if line.strip()]
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # the model has the name of the file of rules in it
        Path("rules.tsv").write_text("".join(f"{rule}\n" for rule in RULES))
        rule = {} if options.get("normalization_rule_name") else {"normalization_rule_tsv": "rules.tsv"}
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, model_type=kind, minloglevel=2, num_threads=1,
                                                 hard_vocab_limit=False, character_coverage=0.99, **rule, **options)
    return base64.b64encode(model.getvalue()).decode()


def models():
    plain = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "vocab_size": 700, "byte_fallback": True}
    yield "BPE", trained("bpe", **plain, user_defined_symbols=["<|user|>", "a.b"], control_symbols=["<|ctl|>"])
    yield "BPE, normalised", trained("bpe", vocab_size=600)
    yield "BPE, no prefix", trained("bpe", **plain, add_dummy_prefix=False)
    yield "Unigram", trained("unigram", vocab_size=500)
    yield "Unigram with bytes", trained("unigram", **{**plain, "vocab_size": 600}, bos_id=-1, eos_piece="<eos>", eos_id=1, unk_id=0)


def token(content, **flags):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True, **flags}


DECODER = {"added_tokens_decoder": {"3": token("<|ren|>"), "800": token("<|new|>", normalized=True, special=False)}}


def cases():
    """Name, model, family, tokenizer_config.json, special_tokens_map.json, added_tokens.json."""
    yield "no settings", "BPE", "llama", None
    yield "LlamaTokenizer", "BPE", "llama", LLAMA
    yield "LlamaTokenizer, with bos", "BPE", "llama", {**LLAMA, "add_bos_token": True, "add_eos_token": False}
    yield "LlamaTokenizer, legacy", "BPE", "llama", {**LLAMA, "legacy": True}
    yield "LlamaTokenizer, no prefix", "BPE", "llama", {**LLAMA, "add_prefix_space": False}
    yield "LlamaTokenizer, described", "BPE", "llama", {**LLAMA, **DECODER}
    yield "LlamaTokenizer, normalised", "BPE, normalised", "llama", LLAMA
    yield "another class", "BPE", "llama", {"tokenizer_class": "PreTrainedTokenizerFast"}
    yield "Mistral", "BPE", "mistral", LLAMA
    yield "Mistral, with bos, not legacy", "BPE", "mistral", {**LLAMA, "legacy": False, "add_bos_token": True}
    yield "Mistral, described", "BPE", "mistral", {**LLAMA, **DECODER}
    yield "Mistral, additional tokens", "BPE", "mistral", {**LLAMA, "additional_special_tokens": ["<x>"]}
    yield "Mistral, special_tokens_map.json", "BPE", "mistral", {**LLAMA, "add_bos_token": True}, {"bos_token": "</s>", "additional_special_tokens": ["<x>"]}
    yield "Mistral, added_tokens.json", "BPE", "mistral", {**LLAMA, "pad_token": "<x>"}, {}, {"<x>": 700}
    yield "Phi 3", "BPE, no prefix", "phi3", {**LLAMA, "add_bos_token": False}
    yield "normalised", "BPE, normalised", "mistral", LLAMA
    yield "Unigram", "Unigram", "mistral", LLAMA
    yield "Unigram, not legacy", "Unigram", "mistral", {**LLAMA, "legacy": False, "add_bos_token": True}
    yield "Unigram with bytes", "Unigram with bytes", "mistral", {**LLAMA, "add_bos_token": True}


def record(made, ids, name, model, family, config, special_map=None, added=None):
    files = {"tokenizer_config": config, "special_tokens_map": special_map, "added_tokens": added}
    files = {file: value for file, value in files.items() if value}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tokenizer.model").write_bytes(base64.b64decode(made[model]))
        for file, value in {**files, "config": {"model_type": family}}.items():
            (Path(folder) / f"{file}.json").write_text(json.dumps(value))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        found = [tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in TEXTS]
        entries = [{"id": id, "content": one.content, "special": one.special} for id, one in sorted(tokenizer.added_tokens_decoder.items())]
        return {"name": name, "model": model, "family": family, "files": files, "added": entries, "names": tokenizer.special_tokens_map,
                "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "whole": tokenizer(TEXTS[0])["input_ids"],
                "found": [ids.setdefault(one, len(ids)) for one in found], "decoded": tokenizer.decode(found[0])}


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    path = parser.parse_args().out / "sentencepiece.json"
    made, ids = dict(models()), {}
    found = [record(made, ids, *case) for case in cases()]
    parts = {"texts": TEXTS, "models": made, "cases": found, "ids": list(ids)}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in parts.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf8")
    print(path, len(found), len(TEXTS), len(ids))


main()
