"""Records presses/NAME.json: what kvpress, R-KV's and TriAttention's authors make of every key of a text, by methods that kvcap has.

    python tests/golden/record/presses.py MODEL_DIR OUT_DIR RKV_DIR TRI_DIR

NAME is the folder's; RKV_DIR is a clone of https://github.com/Zefan-Cai/R-KV, commit d15c976, TRI_DIR one of
https://github.com/WeianMao/triattention, commit c3744ee: neither is in this repository. It needs requirements-presses.txt, a venv of its own: kvpress asks for another transformers than the other programs.
The text is the beginning of src/eval/texts/ferry.txt, read at once with a full cache (float32, eager attention, one thread). Each press
runs as NVIDIA's package has it; what its `score` answers is written down, and the places that its `compress` keeps of half of the keys.
Of R-KV it is `cal_similarity` of the same keys, with a threshold that none is above: its exception for the newest of keys that are alike,
which kvcap has not, then falls on the first key alone. Of TriAttention they are `compute_frequency_statistics_from_means` and
`score_keys_for_round`, with the means of the text's own queries, for every head.
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
    "ExpectedAttention": lambda: kvpress.ExpectedAttentionPress(0.5, n_sink=0, use_covariance=False),
    "ObservedAttention": lambda: kvpress.ObservedAttentionPress(0.5),
}


def module_of(path):
    """A file of a package whose others patch transformers."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def similarity_of(folder):
    """R-KV's cal_similarity."""
    utils = module_of(folder / "rkv/utils.py")
    return lambda keys: utils.cal_similarity(keys, threshold=2.0)


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


def queries_of(model, ids):
    """Every layer's queries before they are rotated, [heads, tokens, headDim] each."""
    found = []
    hooks = [layer.self_attn.q_proj.register_forward_hook(lambda module, args, out: found.append(out[0]))
             for layer in model.model.layers]
    cache = model.model(torch.tensor([ids])).past_key_values
    for hook in hooks:
        hook.remove()
    width = model.config.num_attention_heads
    return [each.view(len(ids), width, -1).transpose(0, 1) for each in found], [layer.keys[0] for layer in cache.layers]


def triattention(model, ids, folder):
    """TriAttention's scores of every head, by layer, [heads, tokens] each."""
    utils = module_of(folder / "triattention/methods/pruning_utils.py")
    layers, keys = queries_of(model, ids)
    rotary = model.model.rotary_emb
    positions = torch.arange(len(ids))
    cosines, sines = rotary(torch.zeros(1), positions[None])
    offsets = utils.build_geometric_offsets(2 ** 16, torch.device("cpu"))
    found = []
    for queries, rotated in zip(layers, keys):
        half = rotated.shape[-1] // 2
        turned = torch.cat([rotated[..., half:], -rotated[..., :half]], dim=-1)
        plain = rotated * cosines[0] + turned * sines[0]
        heads = []
        for head, query in enumerate(queries):
            pairs = torch.complex(query[:, :half], query[:, half:])
            key = plain[head * len(rotated) // len(queries)]
            amp, phi, extra = utils.compute_frequency_statistics_from_means(pairs.mean(0), pairs.abs().mean(0), key)
            heads.append(utils.score_keys_for_round(positions, len(ids), amp, phi, rotary.inv_freq, extra, offsets, "mean",
                                                    torch.ones(half)))
        found.append(numbers(torch.stack(heads)))
    return found


def main():
    parser = arguments(__doc__)
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("rkv", type=Path, metavar="RKV_DIR")
    parser.add_argument("tri", type=Path, metavar="TRI_DIR")
    args = parser.parse_args()
    name = args.model.resolve().name
    model = load_model(args.model)
    text = (ROOT / "src/eval/texts/ferry.txt").read_text(encoding="utf8")
    ids = encode(args.model, model.config.bos_token_id, text)[:TOKENS]
    presses = {key: record(model, ids, make()) for key, make in PRESSES.items()}
    write_json(args.out / f"{name}.json", {
        "model": name, "kvpress": version("kvpress"), "ids": ids,
        "window": WINDOW, "width": WIDTH, "presses": presses, "similarities": similarities(model, ids, similarity_of(args.rkv)),
        "triattention": triattention(model, ids, args.tri)})
    print(name, {key: [len(value["scores"]), len(value["scores"][0][0])] for key, value in presses.items()})


main()
