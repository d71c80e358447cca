"""Makes models/tiny-fp8-* and tiny-f64, whose weights are floats of 8 and 64 bits, and records fp8.json: what torch makes of these.

    python tests/golden/record/fp8.py OUT_DIR

OUT_DIR/models/NAME are the models, as public checkpoints of each kind store them; OUT_DIR/plain/NAME the same with weights of float32, for
hf.py to record under the same name. fp8.json: {NAME: {TENSOR: [type, crc32]}}: the bytes of every tensor as kvcap is to have it.
"""
import json
import shutil
import zlib

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen3Config

from common import MODELS, arguments, out_folder, write_json

TOKENIZER = MODELS / "tiny-qwen2"
SIZES = {"vocab_size": 512, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 1024, "rms_norm_eps": 1e-6, "bos_token_id": 1, "eos_token_id": 2,
         "pad_token_id": None, "tie_word_embeddings": False}
E4M3, E5M2, BF16 = torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16
MOST = 448.0  # of E4M3
BLOCK = 128
NAMES = {torch.float32: "F32", torch.float16: "F16", BF16: "BF16"}


def compressed(**weights):
    """The quantization_config of llm-compressor, as in RedHatAI's FP8-dynamic checkpoints."""
    group = {"weights": {"num_bits": 8, "type": "float", "symmetric": True, "dynamic": False, **weights},
             "input_activations": {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True}, "targets": ["Linear"]}
    return {"quant_method": "compressed-tensors", "format": "float-quantized", "ignore": ["lm_head"], "kv_cache_scheme": None,
            "config_groups": {"group_0": group}, "quantization_status": "compressed"}


def spread(scales, shape):
    """Scales as a matrix: one, one a row, or one a block of 128 × 128, the last ones cut."""
    if scales.numel() == 1 or scales.shape[-1] == 1 and scales.shape[0] == shape[0]:
        return scales.expand(shape) if scales.numel() > 1 else scales.reshape(1, 1).expand(shape)
    return scales.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)[:shape[0], :shape[1]]


def per_tensor(weights, layer):
    return (weights.abs().max() / MOST).float()


def per_row(weights, layer):
    return (weights.abs().amax(1, keepdim=True) / MOST).to(BF16)


def per_block(weights, layer):
    rows, columns = weights.shape
    grid = [[weights[r:r + BLOCK, c:c + BLOCK].abs().max() / MOST for c in range(0, columns, BLOCK)] for r in range(0, rows, BLOCK)]
    return torch.tensor(grid).to(torch.float32 if layer % 2 else BF16)  # as DeepSeek has them, and Qwen


# Name: the family, what differs from SIZES, the type that it computes with, how scales are drawn and called, its quantization_config.
KINDS = {
    "tiny-fp8-tensor": (MistralConfig, {"sliding_window": None}, torch.float16, per_tensor, "weight_scale",
                        {"quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"]}),
    "tiny-fp8-rows": (LlamaConfig, {}, BF16, per_row, "weight_scale", compressed(strategy="channel")),
    "tiny-fp8-blocks": (Qwen3Config, {"hidden_size": 144, "head_dim": 32, "tie_word_embeddings": True}, BF16, per_block, "weight_scale_inv",
                        {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK]}),
    "tiny-f64": (LlamaConfig, {}, torch.float32, None, None, None),
}


def scaled(name, weights, dtype, draw, called):
    """A matrix of a layer: what is stored, and what torch makes of it."""
    layer = int(name.split(".")[2])
    scale = draw(weights, layer)
    eights = (weights / spread(scale.float(), weights.shape)).clamp(-MOST, MOST).to(E4M3)
    stem = name.removesuffix(".weight")
    stored = {name: eights, f"{stem}.{called}": scale}
    if draw is per_tensor:
        stored[f"{stem}.input_scale"] = torch.tensor(0.5)
    if draw is per_row and stem.endswith("k_proj"):
        stored[f"{stem.removesuffix('k_proj')}k_scale"] = torch.tensor([0.25], dtype=BF16)  # of an 8-bit cache
    return stored, (eights.float() * spread(scale.float(), weights.shape)).to(dtype)


def unscaled(name, weights):
    """A tensor without scales: embeddings and head in E4M3, MLPs in E5M2, all else in 64 bits."""
    if weights.ndim > 1 and "attn" not in name:
        eights = weights.to(E5M2 if "mlp" in name else E4M3)
        return {name: eights}, eights.to(torch.float16)
    wide = weights.double() * (1 + 1e-9)  # no float32 any more
    return {name: wide}, wide.to(torch.float32)


def make(name, out):
    family, differs, dtype, draw, called, how = KINDS[name]
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(family(**{**SIZES, **differs}), dtype=torch.float32)
    stored, made = {}, {}
    for path, weights in model.named_parameters():
        values = torch.randn_like(weights) * (0.06 if weights.ndim > 1 else 0.2) + (1.0 if "norm" in path else 0.0)
        if draw is None:
            own, full = unscaled(path, values)
        elif path.endswith("_proj.weight"):
            own, full = scaled(path, values, dtype, draw, called)
        else:
            own, full = {path: values.to(dtype)}, values.to(dtype)
        stored.update(own)
        made[path] = full
        weights.data = full.float()
    model.save_pretrained(out / "plain" / name)
    folder = out_folder(out / "models" / name)
    config = json.loads((out / "plain" / name / "config.json").read_text())
    config["dtype"] = str(dtype).removeprefix("torch.")
    write_json(folder / "config.json", {**config, **({"quantization_config": how} if how else {})}, indent=2)
    save_file({path: values.contiguous() for path, values in stored.items()}, folder / "model.safetensors", {"format": "pt"})
    for place in (out / "plain" / name, folder):
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(TOKENIZER / file, place / file)
    shutil.copyfile(out / "plain" / name / "generation_config.json", folder / "generation_config.json")
    crc = lambda values: zlib.crc32(values.contiguous().view(torch.uint8).numpy().tobytes())
    return {path: [NAMES[values.dtype], crc(values)] for path, values in made.items()}


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    out = parser.parse_args().out
    torch.set_grad_enabled(False)
    write_json(out / "fp8.json", {name: make(name, out) for name in KINDS}, indent=1)
    print(out / "fp8.json", *KINDS)


main()
