"""Records gguf-llama/NAME-Q8_0.gguf and .json: a file that llama.cpp's converter wrote, and what llama.cpp makes of it.

    python convert_hf_to_gguf.py --outtype q8_0 --outfile DIR/NAME-Q8_0.gguf MODEL_DIR     # of llama.cpp
    python tests/golden/record/gguf_llama.py NODE_DIR OUT_DIR FILE …                       # NODE_DIR: npm i node-llama-cpp@3.21.1

NAME is one of the models in tests/golden/models. llama.cpp computes with what the file's weights come to in float32, in one thread, with K and
V in float32. The record is {file, model, cases: [{ids, greedy, chances, gaps}]}: ids those of hf/NAME.json; greedy the next 40; chances the
logarithm of how likely each was held; gaps those between the two likeliest at each.

The converter knows tokenizers by a sum of theirs and knows none of these: `TextModel.get_vocab_base_pre` was made to answer "qwen2", and Gemma 2's
`set_vocab` to be `_set_vocab_gpt2`. They are placeholders: tests take `ids`.
"""
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import gguf
import numpy as np

from common import GOLDEN, arguments, existing_file, out_folder, read_json, write_json

PROGRAM = Path(__file__).with_suffix(".mjs")


def dequantised(source, target):
    """Writes a GGUF file again, with all of its tensors in float32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind, *inner = field.types
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner[-1] if inner else None)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = arguments(__doc__)
    parser.add_argument("node", type=Path, metavar="NODE_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("files", type=existing_file, nargs="+", metavar="FILE")
    given = parser.parse_args()
    target = out_folder(given.out / "gguf-llama")
    for path in given.files:
        name = path.stem.removesuffix("-Q8_0")
        prompts = [case["ids"] for case in read_json(GOLDEN / "hf" / f"{name}.json")["cases"]]
        with tempfile.TemporaryDirectory() as folder:
            exact = f"{folder}/{name}.gguf"
            dequantised(path, exact)
            told = subprocess.run(["node", PROGRAM, given.node.resolve(), exact, json.dumps(prompts)],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout
        cases = [{"ids": ids, **case} for ids, case in zip(prompts, json.loads(told.splitlines()[-1]))]
        shutil.copyfile(path, target / path.name)
        write_json(target / f"{path.stem}.json", {"file": path.name, "model": name, "cases": cases})
        print(path.name, [case["greedy"][:6] for case in cases])


if __name__ == "__main__":
    main()
