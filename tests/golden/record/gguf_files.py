"""Records gguf/NAME-TYPE.gguf, .json and .f32: a model folder as a GGUF file, and the logits of its dequantised weights.

    python tests/golden/record/gguf_files.py MODEL_DIR OUT_DIR TYPE … [--arch llama|qwen2|qwen3|qwen3moe|phi3] [--pre NAME]

NAME is the folder's; TYPE one of F32, F16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 (gguf-py quantises to no others). Norms, biases and rows
that no block divides stay F32. In llama files the rows of the q and k projections are permuted for interleaved rotary pairs, as
llama.cpp's converter writes them; phi3 files have the factors of longrope as tensors; matrices of experts are one tensor, and routers
stay F32. The record is {file, model, text, ids, greedy, logits}: logits [tokens, vocab] of the weights in
the file, dequantised to float32, in transformers; greedy the next 24 ids with end-of-sequence forbidden.

Those of the repository: models/fable-2m with F16 Q8_0 Q4_1 --pre smollm, tiny-qwen2 with Q8_0, tiny-qwen3 with Q8_0 Q4_0, tiny-phi3-long with Q8_0 --arch phi3, tiny-mixtral
with Q8_0, and tiny-qwen3-experts, which models.py makes, with Q4_0 --arch qwen3moe. The tokenizers but for the first's are placeholders, called gpt2 as Qwen's own are: tests take `ids`.
"""
import numpy as np
from gguf import GGMLQuantizationType as Types
from gguf import quants

from common import arguments, model_folder, out_folder
from gguf_common import (
    FUSED, HEAD_NORMS, NORMS, PROJECTIONS, interleave, permuted_heads, record, separate, write_file, write_header, write_tokenizer)
from hf_common import load_model

TYPES = ("F32", "F16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
ARCHS = ("llama", "qwen2", "qwen3", "qwen3moe", "phi3")
BLOCK = 32  # weights of a block, of every type
TEXT = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."


def add_tensor(writer, name, values, kind, heads):
    """Writes a tensor, quantised where it can be. Returns the values that a reader of the file has."""
    if values.ndim == 1 or values.shape[-1] % BLOCK:
        writer.add_tensor(name, np.ascontiguousarray(interleave(values, heads)))
        return values
    rows = interleave(values, heads)
    if kind in (Types.F32, Types.F16):
        stored = rows.astype(np.float32 if kind == Types.F32 else np.float16)
        writer.add_tensor(name, stored)
        return separate(stored.astype(np.float32), heads)
    blocks = quants.quantize(rows, kind)
    writer.add_tensor(name, blocks, raw_dtype=kind)
    return separate(quants.dequantize(blocks, kind).reshape(rows.shape), heads)


def add_experts(writer, layer, values, kind):
    """Writes a layer's experts, from transformers' two tensors. Returns these as a reader of the file has them."""
    gate, up = np.split(values["gate_up_proj"], 2, axis=1)
    parts = {"gate": gate, "up": up, "down": values["down_proj"]}
    kept = {part: add_tensor(writer, f"blk.{layer}.ffn_{part}_exps.weight", one, kind, 0) for part, one in parts.items()}
    return {"gate_up_proj": np.concatenate([kept["gate"], kept["up"]], axis=1), "down_proj": kept["down"]}


def add_longrope(writer, config, scaling):
    """Writes the factors of all waves, as llama.cpp's converter does."""
    rope = config.rope_parameters
    writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    writer.add_rope_scaling_attn_factors(scaling)
    for kind in ("long", "short"):
        writer.add_tensor(f"rope_factors_{kind}.weight", np.array(rope[f"{kind}_factor"], dtype=np.float32))


def convert(folder, out, arch, kind, pre):
    name = folder.resolve().name
    model = load_model(folder)
    config, state = model.config, {path: values.float().numpy() for path, values in model.state_dict().items()}
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer = write_header(str(out / f"{name}-{kind.name}.gguf"), name, config, arch)
    rope = config.rope_parameters
    writer.add_rope_dimension_count(int(head * rope.get("partial_rotary_factor", 1)))
    if rope["rope_type"] == "longrope":
        add_longrope(writer, config, model.model.rotary_emb.attention_scaling)
    if hasattr(config, "num_local_experts"):
        writer.add_expert_count(config.num_local_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        if arch == "qwen3moe":
            writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_vocab_size(config.vocab_size)
    write_tokenizer(writer, folder, config, pre)
    weights = {}

    def add(path, tensor, heads=0):
        weights[path] = add_tensor(writer, tensor, state[path], kind, heads)

    add("model.embed_tokens.weight", "token_embd.weight")
    add("model.norm.weight", "output_norm.weight")
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    else:
        add("lm_head.weight", "output.weight")
    for layer in range(config.num_hidden_layers):
        for theirs, ours in {**PROJECTIONS, **FUSED, **NORMS, **HEAD_NORMS}.items():
            for part in ("weight", "bias"):
                path = f"model.layers.{layer}.{theirs}.{part}"
                if path in state:
                    add(path, f"blk.{layer}.{ours}.{part}", permuted_heads(arch, theirs, config))
        at = f"model.layers.{layer}.mlp"
        router = f"{at}.gate.weight"
        if router in state:
            weights[router] = add_tensor(writer, f"blk.{layer}.ffn_gate_inp.weight", state[router], Types.F32, 0)
            kept = add_experts(writer, layer, {part: state[f"{at}.experts.{part}"] for part in ("gate_up_proj", "down_proj")}, kind)
            weights.update({f"{at}.experts.{part}": one for part, one in kept.items()})
    write_file(writer)
    record(out, name, kind.name, model, weights, folder, TEXT)


def main():
    parser = arguments(__doc__)
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("types", nargs="+", choices=TYPES, metavar="TYPE")
    parser.add_argument("--arch", choices=ARCHS, default="llama")
    parser.add_argument("--pre", metavar="NAME", help="the pre-tokenizer's name, tokenizer.ggml.pre")
    args = parser.parse_args()
    for kind in args.types:
        convert(args.model, args.out, args.arch, Types[kind], args.pre)


main()
