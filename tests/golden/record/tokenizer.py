"""Records tokenizer/NAME.json: hard texts through Hugging Face tokenizers.

    python tests/golden/record/tokenizer.py MODEL_DIR TEXTS.json OUT_DIR

NAME is the folder's. TEXTS.json is a list of texts, or a record, whose texts are taken again. The record is
{modelFile, cases: [{text, ids, plain, decoded}]}: ids read special tokens in the text as special, plain as ordinary text; no token is
added at either end; decoded is the text of plain, with U+FFFD where bytes are no valid UTF-8.
"""
from tokenizers import Tokenizer

from common import arguments, existing_file, model_folder, out_folder, read_json, write_json


def record_case(tokenizer, text):
    tokenizer.encode_special_tokens = False
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = True
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    return {"text": text, "ids": ids, "plain": plain, "decoded": tokenizer.decode(plain, skip_special_tokens=False)}


def main():
    parser = arguments(__doc__)
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("texts", type=existing_file, metavar="TEXTS.json")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    args = parser.parse_args()
    given = read_json(args.texts)
    texts = given if isinstance(given, list) else [case["text"] for case in given.get("cases", [])]
    if not texts or not all(isinstance(text, str) for text in texts):
        parser.error("TEXTS.json must be a list of texts, or a record")
    name = args.model.resolve().name
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    write_json(args.out / f"{name}.json", {"modelFile": name, "cases": [record_case(tokenizer, text) for text in texts]}, indent=1)
    print(name, len(texts))


main()
