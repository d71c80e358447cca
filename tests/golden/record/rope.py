"""Records rope.json and rope.f32: rotary frequencies of every kind of scaling, and what a model computes with them, in transformers.

    python tests/golden/record/rope.py MODEL_DIR OUT_DIR

{model, ids, cases: [{rope, max, length, frequencies, scale, logits}]}: `rope` is rope_parameters, `max` max_position_embeddings; `length` the
tokens that frequencies were computed for, null where they depend on none; frequencies [headDim / 2]; logits [vocab] behind all ids, of
MODEL_DIR with that rope in place of its own (float32, eager, full cache). Of the repository: models/tiny-qwen2.
"""
import random

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from common import Floats, arguments, model_folder, out_folder, write_json

TOKENS = 160
FIRST = 64  # tokens of the first training
WAVES = 8  # of a head of tiny-qwen2


def kinds():
    random.seed(3)
    short = [round(1 + 0.1 * random.random(), 3) for _ in range(WAVES)]
    long = [round(1 + 2 ** (i / 2) * random.random(), 3) for i in range(WAVES)]
    yield {"rope_type": "default"}, FIRST, None
    yield {"rope_type": "linear", "factor": 4.0}, FIRST, None
    yield {"rope_type": "dynamic", "factor": 2.0}, FIRST, TOKENS
    yield {"rope_type": "dynamic", "factor": 4.0}, 2 * TOKENS, None
    yield {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": FIRST}, 4 * FIRST, None
    yield {"rope_type": "yarn", "factor": 2.5, "original_max_position_embeddings": FIRST, "beta_fast": 8.0, "beta_slow": 2.0,
           "truncate": False}, 4 * FIRST, None
    yield {"rope_type": "yarn", "factor": 40.0, "original_max_position_embeddings": FIRST, "mscale": 0.7, "mscale_all_dim": 1.2}, 4 * FIRST, None
    yield {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": FIRST, "attention_factor": 1.25}, 8 * FIRST, None
    longrope = {"rope_type": "longrope", "short_factor": short, "long_factor": long, "original_max_position_embeddings": FIRST}
    yield longrope, 4 * FIRST, TOKENS
    yield {**longrope, "factor": 2.0, "attention_factor": 0.9}, 4 * FIRST, TOKENS
    yield {**longrope, "original_max_position_embeddings": 2 * TOKENS}, 4 * TOKENS, None  # the short factors


def main():
    parser = arguments(__doc__)
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    args = parser.parse_args()
    random.seed(1)
    cases = []
    with Floats(args.out / "rope.f32") as floats:
        for rope, most, length in kinds():
            config = AutoConfig.from_pretrained(args.model)
            config.max_position_embeddings = most
            config.rope_parameters = {"rope_theta": 5000.0, **rope}
            model = AutoModelForCausalLM.from_pretrained(args.model, config=config, dtype=torch.float32, attn_implementation="eager").eval()
            random.seed(2)
            ids = [1] + [random.randrange(3, config.vocab_size) for _ in range(TOKENS - 1)]
            with torch.no_grad():
                logits = model(torch.tensor([ids])).logits[0, -1]
            rotary = model.model.rotary_emb
            frequencies = floats.add(rotary.inv_freq.float().numpy())
            cases.append({"rope": config.rope_parameters, "max": most, "length": length, "frequencies": frequencies,
                          "scale": float(rotary.attention_scaling), "logits": floats.add(logits.numpy())})
    write_json(args.out / "rope.json", {"model": args.model.resolve().name, "ids": ids, "cases": cases})
    print(args.out / "rope.json", len(cases))


main()
