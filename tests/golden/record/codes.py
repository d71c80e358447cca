"""Records gguf-codes.json, and gguf/tiny-codes-*: formats of GGUF that kvcap turns into others, dequantised by gguf-py.

    python tests/golden/record/codes.py OUT_DIR [--each]

gguf-codes.json: [{type, blocks, f32, f16}] of `blocks` blocks whose bytes a generator of whole numbers draws, the same here and in the test
(`drawn`): the CRC-32 of their values as float32, and of these rounded to f16 and widened again, zeros being positive.
tiny-codes-ALL is a tiny Llama in which every matrix of a layer has another type; --each makes one of every type besides.
"""
import zlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants
from transformers import LlamaConfig, LlamaForCausalLM

from common import MODELS, arguments, out_folder, write_json
from gguf_common import NORMS, PROJECTIONS, permuted_heads, record, separate, write_file, write_header, write_tokenizer

SEED, NAME, TOKENIZER = 41, "tiny-codes", MODELS / "tiny-qwen2"
TEXT = "Once upon a time there was a boy who asked his mother for a big red ball."
BLOCKS = 512
TYPES = [T.IQ1_S, T.IQ1_M, T.IQ2_XXS, T.IQ2_XS, T.IQ2_S, T.IQ3_XXS, T.IQ3_S, T.TQ1_0, T.TQ2_0, T.MXFP4, T.NVFP4]
SCALE_AT = {T.TQ1_0: 52, T.TQ2_0: 64}  # bytes; else at the beginning


def drawn(count):
    """Bytes of a generator: x = 1664525 x + 1013904223 mod 2^32, of which each is the highest."""
    x, out = 1, np.empty(count, dtype=np.uint8)
    for i in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out[i] = x >> 24
    return out


def set_scales(blocks, kind, scales):
    """Writes f16 scales, [blocks], where this type has them."""
    bits = scales.astype(np.float16).view(np.uint16)
    if kind == T.IQ1_M:
        for i in range(4):
            blocks[:, 49 + 2 * i] = blocks[:, 49 + 2 * i] & 15 | (bits >> 4 * i & 15).astype(np.uint8) << 4
    elif kind not in (T.MXFP4, T.NVFP4):
        at = SCALE_AT.get(kind, 0)
        blocks[:, at:at + 2] = bits[:, None].view(np.uint8)


def dequantised(blocks, kind):
    return quants.dequantize(blocks.reshape(1, -1), kind).astype(np.float32).ravel()


def record_blocks():
    rows = []
    for kind in TYPES:
        size = gguf.GGML_QUANT_SIZES[kind][1]
        blocks = drawn(BLOCKS * size).reshape(BLOCKS, size)
        if kind == T.NVFP4:
            blocks[:, :4] &= 127
        set_scales(blocks, kind, 1 + np.arange(BLOCKS) / BLOCKS)
        values = dequantised(blocks, kind)
        crc = lambda array: zlib.crc32((array.astype(np.float32) + np.float32(0)).tobytes())
        rows.append({"type": kind.name, "blocks": BLOCKS, "f32": crc(values), "f16": crc(values.astype(np.float16))})
    return rows


def random_blocks(random, kind, count, deviation):
    """Bytes of blocks whose values have about this deviation."""
    blocks = random.integers(0, 256, (count, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    if kind == T.MXFP4:
        blocks[:, 0] = 128 + np.floor(np.log2(deviation / 5)) + random.integers(0, 2, count)
    elif kind == T.NVFP4:
        blocks[:, :4] = 8 * np.floor(np.log2(deviation / 5) + 8) + random.integers(0, 16, (count, 4))
    else:
        set_scales(blocks, kind, np.ones(count))
        size = deviation / dequantised(blocks, kind).std()
        set_scales(blocks, kind, size * random.uniform(.5, 1.5, count) * random.choice([-1, 1], count))
    return blocks


def record_model(out, random, model, kinds, label):
    """A model whose matrices take the types in turn; embeddings and head are of the first."""
    config, state, turn = model.config, model.state_dict(), iter(kinds * 20)
    writer = write_header(str(out / f"{NAME}-{label}.gguf"), NAME, config)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    write_tokenizer(writer, TOKENIZER, config)
    weights = {}

    def add(path, tensor, deviation=.06, heads=0):
        shape = tuple(state[path].shape)
        if len(shape) == 1:
            weights[path] = (1 + .2 * random.standard_normal(shape)).astype(np.float32)
            writer.add_tensor(tensor, weights[path])
            return
        kind = kinds[0] if "layers" not in path else next(turn)
        elements = gguf.GGML_QUANT_SIZES[kind][0]
        blocks = random_blocks(random, kind, shape[0] * shape[1] // elements, deviation).reshape(shape[0], -1)
        writer.add_tensor(tensor, blocks, raw_dtype=kind)
        weights[path] = separate(dequantised(blocks, kind).reshape(shape), heads)

    add("model.embed_tokens.weight", "token_embd.weight", .5)
    add("model.norm.weight", "output_norm.weight")
    add("lm_head.weight", "output.weight")
    for layer in range(config.num_hidden_layers):
        for theirs, ours in {**NORMS, **PROJECTIONS}.items():
            path = f"model.layers.{layer}.{theirs}.weight"
            add(path, f"blk.{layer}.{ours}.weight", heads=permuted_heads("llama", theirs, config))
    write_file(writer)
    record(out, NAME, label, model, weights, TOKENIZER, TEXT)


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("--each", action="store_true", help="a model of every type by itself, too")
    args = parser.parse_args()
    write_json(args.out / "gguf-codes.json", record_blocks(), indent=1)
    files = out_folder(args.out / "gguf")
    config = LlamaConfig(
        vocab_size=512, hidden_size=256, intermediate_size=256, num_hidden_layers=2, num_attention_heads=8, num_key_value_heads=4,
        max_position_embeddings=1024, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False, bos_token_id=1,
        eos_token_id=2, attn_implementation="eager")
    model = LlamaForCausalLM(config)
    record_model(files, np.random.default_rng(SEED), model, TYPES, "ALL")
    for kind in TYPES if args.each else []:
        record_model(files, np.random.default_rng(SEED), model, [kind], kind.name)


main()
