"""Makes models/tiny-*: random models, one for each thing that a family brings.

    python tests/golden/record/models.py OUT_DIR [NAME …]

To prove another family, add its row to MODELS, make it, and record it with hf.py.
"""
import shutil

import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma3TextConfig, GraniteConfig, LlamaConfig, MistralConfig, MixtralConfig, Olmo2Config, Phi3Config, Qwen2Config, Qwen3Config, Qwen3MoeConfig, SmolLM3Config

from common import MODELS as MADE, arguments, out_folder

# All of them read text with one small SentencePiece-style tokenizer.
TOKENIZER = MADE / "tiny-qwen2"

SIZES = {"vocab_size": 512, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 1024, "rms_norm_eps": 1e-6, "bos_token_id": 1, "eos_token_id": 2,
         "pad_token_id": None}


def rope(kind, theta, **more):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": theta, **more}}


LLAMA3 = rope("llama3", 500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)

PHI = [1.0, 1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.1, 1.4, 2.0, 3.0, 5.0, 8.0, 12.0, 16.0]

# Name: the family, how weights are stored, what differs from SIZES. Between them: MHA, MQA and GQA, tied and untied heads, every type
# of weights, sharded files, each kind of rope scaling, a head_dim other than hidden/heads, a sliding window, each family's own.
MODELS = {
    "tiny-llama3": (LlamaConfig, torch.bfloat16, {**LLAMA3, "tie_word_embeddings": False}),
    "tiny-mistral": (MistralConfig, torch.float16, {"sliding_window": None, "tie_word_embeddings": False, "head_dim": 32}),
    "tiny-mistral-window": (MistralConfig, torch.bfloat16, {"sliding_window": 12, "tie_word_embeddings": True}),
    "tiny-qwen2": (Qwen2Config, torch.bfloat16, {"tie_word_embeddings": True, **rope("default", 1000000.0)}),
    "tiny-qwen3": (Qwen3Config, torch.bfloat16, {"tie_word_embeddings": True, "head_dim": 32, **rope("default", 1000000.0)}),
    "tiny-mqa-sharded": (LlamaConfig, torch.float32, {"num_key_value_heads": 1, "tie_word_embeddings": False}),
    "tiny-mha": (LlamaConfig, torch.float16, {"num_key_value_heads": 4, "tie_word_embeddings": True,
                                              **rope("linear", 10000.0, factor=2.0)}),
    "tiny-phi3": (Phi3Config, torch.bfloat16, {"tie_word_embeddings": False, "hidden_size": 64, "num_attention_heads": 4, "sliding_window": 14,
                                               **rope("default", 10000.0, partial_rotary_factor=0.75)}),
    "tiny-phi3-long": (Phi3Config, torch.float16, {"tie_word_embeddings": True, "num_attention_heads": 2, "original_max_position_embeddings": 256,
                                                   **rope("longrope", 10000.0, partial_rotary_factor=0.5, short_factor=PHI[:8],
                                                          long_factor=PHI[8:])}),
    "tiny-smollm3": (SmolLM3Config, torch.bfloat16, {"tie_word_embeddings": True, "intermediate_size": 96, "no_rope_layer_interval": 2,
                                                     **rope("default", 2000000.0)}),
    "tiny-gemma3": (Gemma3TextConfig, torch.bfloat16, {
        "tie_word_embeddings": True, "intermediate_size": 40, "num_hidden_layers": 4, "head_dim": 24, "query_pre_attn_scalar": 20,
        "sliding_window": 9, "layer_types": ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
        "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                            "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0}}}),
    "tiny-gemma2": (Gemma2Config, torch.bfloat16, {
        "tie_word_embeddings": True, "intermediate_size": 64, "head_dim": 24, "query_pre_attn_scalar": 4, "sliding_window": 9,
        "attn_logit_softcapping": 3.0, "final_logit_softcapping": 4.0, **rope("default", 10000.0)}),
    "tiny-olmo2": (Olmo2Config, torch.bfloat16, {"tie_word_embeddings": False, "intermediate_size": 64, **rope("default", 500000.0)}),
    "tiny-granite": (GraniteConfig, torch.bfloat16, {"tie_word_embeddings": False, "intermediate_size": 64, "embedding_multiplier": 12.0,
                                                     "residual_multiplier": 0.22, "attention_multiplier": 0.125, "logits_scaling": 8.0}),
    "tiny-mixtral": (MixtralConfig, torch.bfloat16, {
        "tie_word_embeddings": False, "num_hidden_layers": 2, "intermediate_size": 36, "num_local_experts": 5, "num_experts_per_tok": 2,
        "sliding_window": None, **rope("default", 1000000.0)}),
    "tiny-qwen3-moe": (Qwen3MoeConfig, torch.bfloat16, {
        "tie_word_embeddings": False, "intermediate_size": 56, "moe_intermediate_size": 24, "num_experts": 6, "num_experts_per_tok": 3,
        "norm_topk_prob": False, "mlp_only_layers": [1], "head_dim": 24, **rope("default", 1000000.0)}),
    "tiny-qwen3-experts": (Qwen3MoeConfig, torch.bfloat16, {  # for gguf_files.py: such files have experts in all layers, and shares that sum to 1
        "tie_word_embeddings": True, "num_hidden_layers": 2, "moe_intermediate_size": 32, "num_experts": 6, "num_experts_per_tok": 3,
        "norm_topk_prob": True, "head_dim": 32, **rope("default", 1000000.0)}),
}
ROUTERS = 0.5  # so that experts differ in what they are worth by more than rounding
SHARDS = {"tiny-mqa-sharded": "200KB"}  # the most that a file of weights may take


def make(name, out):
    family, dtype, differs = MODELS[name]
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(family(**{**SIZES, **differs}), dtype=torch.float32)
    for path, weights in model.named_parameters():
        spread = ROUTERS if path.endswith("mlp.gate.weight") else 0.06 if weights.ndim > 1 else 0.2
        weights.data = torch.randn_like(weights) * spread + (1.0 if "norm" in path else 0.0)
    shards = {"max_shard_size": SHARDS[name]} if name in SHARDS else {}
    model.to(dtype).save_pretrained(out / name, **shards)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TOKENIZER / file, out / name / file)


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    args = parser.parse_args()
    for name in args.names:
        if name not in MODELS:
            parser.error(f"NAME must be one of {', '.join(MODELS)}, got {name}")
    for name in args.names or MODELS:
        make(name, args.out)
        print(args.out / name)


main()
