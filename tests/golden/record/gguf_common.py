"""What the two recorders of GGUF files share: a file's header and tokenizer, its tensors' names, and the record of its logits."""
import json

import gguf
import numpy as np
import torch

from common import Floats, write_json
from hf_common import encode, greedy

# A layer's tensors, by Hugging Face's name and by GGUF's.
PROJECTIONS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
               "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
FUSED = {"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"}
NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
HEAD_NORMS = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}

GREEDY = 24  # tokens
# ggml's kinds of tokens
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def write_header(path, name, config, arch="llama"):
    """Begins a file: the keys that say a model's sizes. Returns its writer."""
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name(name)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    return writer


def write_tokenizer(writer, folder, config, pre=None):
    """
    Writes the tokenizer of a folder: "llama" where a Llama's falls back to bytes (SentencePiece-style; scores are the order of
    ids), else "gpt2" (byte-level BPE, by its merges), with the pre-tokenizer's name where one is given.
    """
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf8"))
    model = spec["model"]
    pieces = model.get("byte_fallback") is True
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    special = {token["content"] for token in spec["added_tokens"] if token["special"]}
    unknown = model.get("unk_token")

    def kind(token):
        if token == unknown:
            return UNKNOWN
        return CONTROL if token in special else BYTE if pieces and token.startswith("<0x") else NORMAL

    ranked = not (pieces and writer.arch == "llama")
    writer.add_tokenizer_model("gpt2" if ranked else "llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(i) for i in range(len(tokens))])
    writer.add_token_types([kind(token) for token in tokens])
    if pre:
        writer.add_tokenizer_pre(pre)
    if not pieces:
        writer.add_add_bos_token(True)
    if ranked:
        writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    if unknown:
        writer.add_unk_token_id(model["vocab"][unknown])


def write_file(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def permuted_heads(arch, name, config):
    """How many heads the rows of a projection are permuted by, as llama.cpp's converter does; 0: not at all."""
    if arch != "llama":
        return 0
    return {"self_attn.q_proj": config.num_attention_heads, "self_attn.k_proj": config.num_key_value_heads}.get(name, 0)


def interleave(rows, heads):
    """Rows of a projection, halves of a rotary pair apart, to pairs side by side: [rows, …]."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape) if heads else rows


def separate(rows, heads):
    """The inverse of interleave."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape) if heads else rows


def record(out, name, kind, model, weights, folder, text):
    """Writes NAME-KIND.json and .f32: what the model computes with these weights, by Hugging Face's names, in float32."""
    model.load_state_dict({path: torch.tensor(np.ascontiguousarray(values)) for path, values in weights.items()})
    ids = encode(folder, model.config.bos_token_id, text)
    with Floats(out / f"{name}-{kind}.f32") as floats:
        logits = floats.add(model(torch.tensor([ids])).logits[0].float().numpy())
    chosen = greedy(model, ids, GREEDY)
    write_json(out / f"{name}-{kind}.json", {
        "file": f"{name}-{kind}.gguf", "model": name, "text": text, "ids": ids, "greedy": chosen, "logits": logits})
    print(f"{name}-{kind}.gguf", chosen[:8])
