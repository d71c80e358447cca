"""Records gguf-split/NAME-00001-of-0000N.gguf: a GGUF file in parts, as gguf-py's writer splits it.

    python tests/golden/record/gguf_split.py FILE.gguf OUT_DIR TENSORS

TENSORS: the most of a part. Of the repository: gguf/tiny-qwen3-Q4_0.gguf with 10.
"""
from gguf import GGUFReader, GGUFValueType, GGUFWriter

from common import arguments, existing_file, out_folder


def main():
    parser = arguments(__doc__)
    parser.add_argument("file", type=existing_file, metavar="FILE.gguf")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("tensors", type=int, metavar="TENSORS")
    args = parser.parse_args()
    reader = GGUFReader(args.file)
    writer = GGUFWriter(args.out / args.file.name, reader.fields["general.architecture"].contents(), split_max_tensors=args.tensors)
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        kind = field.types[0]
        writer.add_key_value(key, field.contents(), kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(*sorted(path.name for path in args.out.glob(f"{args.file.stem}-*-of-*.gguf")))


main()
