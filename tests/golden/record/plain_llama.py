"""A Llama's forward pass as EasyKV drives one: a list of (K, V) as its cache, attention probabilities on request."""
import json
import math
from types import SimpleNamespace

import torch
from safetensors.torch import load_file
from torch.nn.functional import silu


def normed(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


class PlainLlama:
    """
    A model of a folder with one model.safetensors, in float32. `calls` has one entry per pass: the positions of its queries, how
    many slots were live, and attention [layers, kvHeads, queries, live], averaged over each KV head's query group.
    `positions[layer][head]` are those of the tokens that a lane holds: who evicts must take theirs away.
    """

    def __init__(self, folder):
        given = json.loads((folder / "config.json").read_text(encoding="utf8"))
        self.weights = {name: values.float() for name, values in load_file(folder / "model.safetensors").items()}
        self.layers, self.heads = given["num_hidden_layers"], given["num_attention_heads"]
        self.kv_heads, self.hidden = given["num_key_value_heads"], given["hidden_size"]
        self.head, self.eps, self.bos = self.hidden // self.heads, given["rms_norm_eps"], given["bos_token_id"]
        theta = given.get("rope_theta") or given["rope_parameters"]["rope_theta"]
        self.turns = 1.0 / theta ** (torch.arange(0, self.head, 2).float() / self.head)
        # What EasyKV looks at.
        self.device = torch.device("cpu")
        self.config = SimpleNamespace(
            num_hidden_layers=self.layers, num_attention_heads=self.heads, num_key_value_heads=self.kv_heads,
            architectures=["LlamaForCausalLM"])
        self.calls = []
        self.positions = [[[] for _ in range(self.kv_heads)] for _ in range(self.layers)]

    def rotated(self, x, positions):
        angles = torch.outer(positions.float(), self.turns)
        angles = torch.cat([angles, angles], -1)
        half = self.head // 2
        return x * angles.cos() + torch.cat([-x[..., half:], x[..., :half]], -1) * angles.sin()

    def __call__(self, input_ids, past_key_values=None, position_ids=None, output_attentions=False, **_):
        tokens, group = input_ids.shape[1], self.heads // self.kv_heads
        positions = position_ids[0] if position_ids is not None else torch.arange(tokens)
        x = self.weights["model.embed_tokens.weight"][input_ids[0]]
        cache, attention = [], []
        for layer in range(self.layers):
            def weight(name):
                return self.weights[f"model.layers.{layer}.{name}.weight"]

            def heads(rows, count):
                return rows.view(tokens, count, self.head).transpose(0, 1)

            h = normed(x, weight("input_layernorm"), self.eps)
            q = self.rotated(heads(h @ weight("self_attn.q_proj").T, self.heads), positions)
            k = self.rotated(heads(h @ weight("self_attn.k_proj").T, self.kv_heads), positions)[None]
            v = heads(h @ weight("self_attn.v_proj").T, self.kv_heads)[None]
            if past_key_values is not None:
                k = torch.cat([past_key_values[layer][0], k], 2)
                v = torch.cat([past_key_values[layer][1], v], 2)
            cache.append([k, v])
            live = k.shape[2]
            p = q @ k[0].repeat_interleave(group, 0).transpose(1, 2) / math.sqrt(self.head)
            later = torch.arange(live)[None, :] > torch.arange(live - tokens, live)[:, None]
            p = p.masked_fill(later, -1e30).softmax(-1)
            attention.append(p[None])
            seen = (p @ v[0].repeat_interleave(group, 0)).transpose(0, 1).reshape(tokens, self.hidden)
            x = x + seen @ weight("self_attn.o_proj").T
            h = normed(x, weight("post_attention_layernorm"), self.eps)
            x = x + (silu(h @ weight("mlp.gate_proj").T) * (h @ weight("mlp.up_proj").T)) @ weight("mlp.down_proj").T
            for lane in self.positions[layer]:
                lane += positions.tolist()
        head = self.weights.get("lm_head.weight", self.weights["model.embed_tokens.weight"])
        logits = normed(x, self.weights["model.norm.weight"], self.eps) @ head.T
        grouped = [p[0].reshape(self.kv_heads, group, tokens, live).mean(1) for p in attention] if output_attentions else None
        self.calls.append({"positions": positions.tolist(), "live": live, "event": None,
                           "attention": torch.stack(grouped).numpy() if grouped else None})
        return SimpleNamespace(past_key_values=cache, logits=logits[None],
                               attentions=tuple(attention) if output_attentions else None)
