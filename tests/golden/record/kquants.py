"""Records gguf/blocks.* and gguf/tiny-kquant-*: random blocks of every quantised type, and a tiny Llama whose weights are K blocks.

    python tests/golden/record/kquants.py OUT_DIR

blocks.bin holds 16 random blocks of each type, blocks.f32 their values (float32, one rounding per operation, in the order of ggml's
reference), blocks.json where they lie: [{type, blocks, rawOffset, rawBytes, valueOffset, values}], offsets of blocks.bin in bytes,
of blocks.f32 in floats. tiny-kquant-Q4_K_M, -Q5_K_M and -Q6_K are mixes as llama.cpp makes them; .json and .f32 as of gguf_files.py.
"""
import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants
from transformers import LlamaConfig, LlamaForCausalLM

from common import MODELS, arguments, out_folder, write_json
from gguf_common import NORMS, PROJECTIONS, permuted_heads, record, separate, write_file, write_header, write_tokenizer

SEED, NAME, TOKENIZER = 40, "tiny-kquant", MODELS / "tiny-qwen2"
TEXT = "Once upon a time there was a boy who asked his mother for a big red ball."
BLOCKS = 16
WIDE = 256  # weights of a K block

# Of each type: where its f16 scales lie in a block, in bytes, and what makes weights of standard deviation 1 or so of them.
TYPES = {
    T.Q4_0: ((0,), 1 / 4), T.Q4_1: ((0, 2), 1 / 8), T.Q5_0: ((0,), 1 / 8), T.Q5_1: ((0, 2), 1 / 16), T.Q8_0: ((0,), 1 / 64),
    T.Q2_K: ((80, 82), 3 / 15), T.Q3_K: ((108,), 1 / 40), T.Q4_K: ((0, 2), 1 / 250), T.Q5_K: ((0, 2), 1 / 500),
    T.Q6_K: ((208,), 1 / 1200), T.IQ4_NL: ((0,), 1 / 64), T.IQ4_XS: ((0,), 1 / 900),
}
MIXES = {"Q4_K_M": (T.Q4_K, T.Q6_K), "Q5_K_M": (T.Q5_K, T.Q6_K), "Q6_K": (T.Q6_K, T.Q6_K)}  # usual type, finer type
FINER = ("self_attn.v_proj", "mlp.down_proj")


def random_blocks(random, kind, count, deviation):
    """Bytes of blocks: [count, bytes of one]."""
    scales, spread = TYPES[kind]
    blocks = random.integers(0, 256, (count, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for i, at in enumerate(scales):
        size = deviation * spread * random.uniform(.5, 1.5, count)
        scale = (size * (random.choice([-1, 1], count) if len(scales) == 1 else 1)).astype(np.float16)
        if i == 1:  # the minimum
            among = kind in (T.Q4_K, T.Q5_K, T.Q2_K)
            scale = (scale * random.uniform(3, 9, count)).astype(np.float16) if among else (-scale * 7).astype(np.float16)
        blocks[:, at:at + 2] = scale[:, None].view(np.uint8)
    return blocks


def record_blocks(out, random):
    rows, raw, values = [], [], []
    raw_offset = value_offset = 0
    for kind in TYPES:
        blocks = random_blocks(random, kind, BLOCKS, 1.0)
        value = quants.dequantize(blocks.reshape(BLOCKS, -1), kind).astype(np.float32).ravel()
        rows.append({"type": kind.name, "blocks": BLOCKS, "rawOffset": raw_offset, "rawBytes": blocks.size,
                     "valueOffset": value_offset, "values": value.size})
        raw.append(blocks.ravel())
        values.append(value)
        raw_offset += blocks.size
        value_offset += value.size
    np.concatenate(raw).tofile(out / "blocks.bin")
    np.concatenate(values).tofile(out / "blocks.f32")
    write_json(out / "blocks.json", rows, indent=1)


def record_mix(out, random, model, mix):
    usual, finer = MIXES[mix]
    config, state = model.config, model.state_dict()
    writer = write_header(str(out / f"{NAME}-{mix}.gguf"), NAME, config)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    write_tokenizer(writer, TOKENIZER, config)
    weights = {}

    def add(path, tensor, kind, deviation=.06, heads=0):
        shape = tuple(state[path].shape)
        if len(shape) == 1:
            weights[path] = (1 + .2 * random.standard_normal(shape)).astype(np.float32)
            writer.add_tensor(tensor, weights[path])
            return
        blocks = random_blocks(random, kind, shape[0] * shape[1] // WIDE, deviation).reshape(shape[0], -1)
        writer.add_tensor(tensor, blocks, raw_dtype=kind)
        weights[path] = separate(quants.dequantize(blocks, kind).astype(np.float32).reshape(shape), heads)

    add("model.embed_tokens.weight", "token_embd.weight", usual, .5)
    add("model.norm.weight", "output_norm.weight", None)
    add("lm_head.weight", "output.weight", finer)
    for layer in range(config.num_hidden_layers):
        for theirs, ours in {**NORMS, **PROJECTIONS}.items():
            kind = finer if theirs in FINER else usual
            path = f"model.layers.{layer}.{theirs}.weight"
            add(path, f"blk.{layer}.{ours}.weight", kind, heads=permuted_heads("llama", theirs, config))
    write_file(writer)
    record(out, NAME, mix, model, weights, TOKENIZER, TEXT)


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    out = parser.parse_args().out
    random = np.random.default_rng(SEED)
    record_blocks(out, random)
    config = LlamaConfig(
        vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=8, num_key_value_heads=2,
        max_position_embeddings=1024, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False, bos_token_id=1,
        eos_token_id=2, attn_implementation="eager")
    model = LlamaForCausalLM(config)
    for mix in MIXES:
        record_mix(out, random, model, mix)


main()
