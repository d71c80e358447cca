"""Records presses/NAME.json: what kvpress, and R-KV's authors, make of every key of a text, by methods that kvcap has as policies.

    python tests/golden/record/presses.py MODEL_DIR OUT_DIR RKV_DIR

NAME is the folder's; RKV_DIR is a clone of https://github.com/Zefan-Cai/R-KV, commit d15c976, which is not in this repository. It needs requirements-presses.txt, a venv of its own: kvpress asks for another transformers than the other programs.
The text is the beginning of src/eval/texts/ferry.txt, read at once with a full cache (float32, eager attention, one thread). Each press
runs as NVIDIA's package has it; what its `score` answers is written down, and the places that its `compress` keeps of half of the keys.
Of R-KV it is `cal_similarity` of the same keys, with a threshold that none is above: its exception for the newest of keys that are alike,
which kvcap has not, then falls on the first key alone.
"""
import importlib.util
from importlib.metadata import version
from pathlib import Path

import kvpress
import torch

from common import ROOT, arguments, model_folder, out_folder, write_json
from hf_common import encode, load_model

TOKENS = 96
WINDOW, WIDTH = 16, 5  # of SnapKV: queries, and neighbours pooled
PRESSES = {
    "KeyDiff": lambda: kvpress.KeyDiffPress(0.5),
    "Knorm": lambda: kvpress.KnormPress(0.5),
    "TOVA": lambda: kvpress.TOVAPress(0.5),
    "SnapKV": lambda: kvpress.SnapKVPress(0.5, window_size=WINDOW, kernel_size=WIDTH),
    "ObservedAttention": lambda: kvpress.ObservedAttentionPress(0.5),
}


def similarity_of(folder):
    """R-KV's cal_similarity: of its file alone, as the package patches transformers."""
    spec = importlib.util.spec_from_file_location("rkv_utils", folder / "rkv/utils.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda keys: module.cal_similarity(keys, threshold=2.0)


def numbers(heads):
    return [[float(f"{value:.9g}") for value in head] for head in heads.tolist()]


def record(model, ids, press):
    """Scores by layer, [kvHeads, tokens] each, and the places that are kept, likewise, ascending."""
    scores, kept = [], []
    score = press.score

    def noted(*args, **kwargs):
        found = score(*args, **kwargs)
        scores.append(numbers(found[0]))
        kept.append(found[0].topk(len(ids) // 2, dim=-1).indices.sort(dim=-1).values.tolist())
        return found

    press.score = noted
    with press(model):
        model.model(torch.tensor([ids]))
    return {"scores": scores, "kept": kept}


def similarities(model, ids, similarity):
    """R-KV's redundancy of every key, by layer, [kvHeads, tokens] each."""
    cache = model.model(torch.tensor([ids])).past_key_values
    return [numbers(similarity(layer.keys)) for layer in cache.layers]


def main():
    parser = arguments(__doc__)
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("rkv", type=Path, metavar="RKV_DIR")
    args = parser.parse_args()
    name = args.model.resolve().name
    model = load_model(args.model)
    text = (ROOT / "src/eval/texts/ferry.txt").read_text(encoding="utf8")
    ids = encode(args.model, model.config.bos_token_id, text)[:TOKENS]
    presses = {key: record(model, ids, make()) for key, make in PRESSES.items()}
    write_json(args.out / f"{name}.json", {
        "model": name, "kvpress": version("kvpress"), "ids": ids,
        "window": WINDOW, "width": WIDTH, "presses": presses, "similarities": similarities(model, ids, similarity_of(args.rkv))})
    print(name, {key: [len(value["scores"]), len(value["scores"][0][0])] for key, value in presses.items()})


main()
