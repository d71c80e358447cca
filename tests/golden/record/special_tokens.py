"""Records special-tokens.json: which tokens a folder adds, what they are called, and how texts are read with them, in transformers.

    python tests/golden/record/special_tokens.py OUT_DIR

{base, texts, cases: [{name, patch, files, added, names, bos, eos, ids, whole}]}: a folder with the tokenizer.json of `base`, `patch` over it, and
`files` beside it; `added` as transformers' `added_tokens_decoder` has them, `names` as its `special_tokens_map`; `ids` of each text, and
`whole`, those of the first one with what is put around it.
"""
import json
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

from common import ROOT, arguments, out_folder, read_json

BASE = "tests/golden/models/tiny-qwen2/tokenizer.json"
TEXTS = ["the end", " <s> the</s>", "<a> <b><c> the <d>the", "a <n>  <m> the <e> b", "the <x> the <y>  the", "<img> the<boi>  <aud> <vid> a"]
CLASS = {"tokenizer_class": "PreTrainedTokenizerFast"}
USUAL = {**CLASS, "bos_token": "<s>", "eos_token": "</s>"}


def token(content, typed=False, **flags):
    return {**({"__type": "AddedToken"} if typed else {}), "content": content, **flags}


def template(*names):
    items = [{"SpecialToken": {"id": name, "type_id": 0}} if name != "$A" else {"Sequence": {"id": "A", "type_id": 0}} for name in names]
    ids = {"<s>": 1, "</s>": 2}
    special = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in names if name != "$A"}
    return {"post_processor": {"type": "TemplateProcessing", "single": items, "pair": [*items, {"Sequence": {"id": "B", "type_id": 1}}],
                               "special_tokens": special}}


PADDING = {"padding": {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 7, "pad_type_id": 0,
                       "pad_token": "<n>"}}


def cases():
    """Name, tokenizer_config.json, special_tokens_map.json, added_tokens.json, and what is other in tokenizer.json."""
    yield "names alone", USUAL
    yield "no names", CLASS
    yield "no name is null", {**USUAL, "pad_token": None}
    yield "add_bos_token and add_eos_token without a template", {**USUAL, "add_bos_token": True, "add_eos_token": True}
    yield "add_bos_token is false beside a template", {**USUAL, "add_bos_token": False}, {}, {}, template("<s>", "$A")
    yield "a template with a token of no name", CLASS, {}, {}, template("</s>", "<s>", "$A")
    yield "BERT's processing", USUAL, {}, {}, {"post_processor": {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]}}
    yield "ids of a decoder say the order alone", {**USUAL, "added_tokens_decoder": {
        "900": token("<a>", special=True), "513": token("<b>"), "20": token("<c>", special=True)}}
    yield "flags of a decoder", {**USUAL, "added_tokens_decoder": {
        "1": token("<s>", special=False, lstrip=True), "600": token("<d>", rstrip=True, normalized=True), "0": token("", special=True)}}
    yield "flags of a decoder, without a name", {**CLASS, "added_tokens_decoder": {"1": token("<s>", special=False, single_word=True)}}
    yield "a name that is a token of the vocabulary", {**USUAL, "pad_token": "the", "unk_token": "<n>"}
    yield "a name described", {**CLASS, "bos_token": token("<n>", True, lstrip=True, special=False), "eos_token": token("</s>", True, rstrip=True)}
    yield "a name whose flags a decoder has", {**USUAL, "bos_token": "<d>", "added_tokens_decoder": {"600": token("<d>", lstrip=True)}}
    yield "additional special tokens", {**USUAL, "additional_special_tokens": ["<x>", "a", token("<y>", True, lstrip=True), "<x>"]}
    yield "extra special tokens", {**USUAL, "extra_special_tokens": ["<e>"], "additional_special_tokens": ["<x>"]}
    yield "no extra special tokens", {**USUAL, "extra_special_tokens": [], "additional_special_tokens": ["<x>"]}
    yield "extra special tokens with names", {**USUAL, "extra_special_tokens": {"image_token": "<img>", "boi": "<boi>"},
                                              "additional_special_tokens": ["<x>"]}
    yield "an extra special token described", {**USUAL, "extra_special_tokens": {"image_token": token("<img>", True, lstrip=True)}}
    yield "names of the model's own", {**USUAL, "audio_token": "<aud>", "video_token": token("<vid>", True, lstrip=True), "more_token": None,
                                       "use_token": True}
    yield "names in special_tokens_map.json", CLASS, {"bos_token": "<s>", "eos_token": token("</s>", lstrip=True, rstrip=False),
                                                      "additional_special_tokens": ["<x>"], "pad_token": token("<n>", lstrip=True)}
    yield "special_tokens_map.json comes first", {**USUAL, "additional_special_tokens": ["<e>"]}, {
        "bos_token": "</s>", "additional_special_tokens": ["<x>"], "audio_token": "<aud>"}
    yield "special_tokens_map.json is not read beside a decoder", {**CLASS, "added_tokens_decoder": {}}, {"bos_token": "<s>"}, {"<n>": 512}
    yield "special_tokens_map.json takes a name away", USUAL, {"bos_token": None}
    yield "extra special tokens of both", {**USUAL, "extra_special_tokens": ["<e>"]}, {"extra_special_tokens": ["<x>", token("<y>", lstrip=True)]}
    yield "extra names of special_tokens_map.json", {**USUAL, "additional_special_tokens": ["<e>"]}, {"extra_special_tokens": {"boi": "<boi>"}}
    yield "added_tokens.json", USUAL, {}, {"<n>": 600, "<m>": 512, "<s>": 1, "a": 64}
    yield "added_tokens.json with names", CLASS, {"bos_token": "<n>"}, {"<n>": 600, "<m>": 512, "<x>": 2}
    yield "a name in the padding of tokenizer.json", USUAL, {}, {}, PADDING


def record(base, name, config, special_map=None, added=None, patch=None):
    files = {"tokenizer_config": config, **({"special_tokens_map": special_map} if special_map else {}), **({"added_tokens": added} if added else {})}
    with tempfile.TemporaryDirectory() as folder:
        for file, value in {**files, "tokenizer": {**base, **(patch or {})}}.items():
            (Path(folder) / f"{file}.json").write_text(json.dumps(value))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        flags = ("content", "special", "normalized", "single_word", "lstrip", "rstrip")
        entries = [{"id": id, **{flag: getattr(one, flag) for flag in flags}} for id, one in sorted(tokenizer.added_tokens_decoder.items())]
        return {"name": name, "patch": patch or {}, "files": files, "added": entries, "names": tokenizer.special_tokens_map,
                "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "whole": tokenizer(TEXTS[0])["input_ids"],
                "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]}


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    out = parser.parse_args().out
    base = read_json(ROOT / BASE)
    found = [record(base, *case) for case in cases()]
    lines = ",\n".join(json.dumps(one) for one in found)
    path = out / "special-tokens.json"
    path.write_text(f'{{"base": "{BASE}", "texts": {json.dumps(TEXTS)}, "cases": [\n{lines}\n]}}\n', encoding="utf8")
    print(path, len(found))


main()
