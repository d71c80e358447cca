"""Makes passkey/fable-2m.json: documents that hide a key of five digits in filler and ask for it at the end.

    python tests/golden/record/passkey.py OUT_DIR

The record is {model, docs: [{fillerLines, depth, key, text}]}; after `text`, greedy decoding should give `key`.
"""
import random

from common import arguments, out_folder, write_json

SEED, LINES, EACH = 11, (15, 30), 20  # lines of filler, documents of each length
HEAD = "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it. " \
       "I will quiz you about the important information there."
FILLER = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
ASK = "What is the pass key? The pass key is "


def document(draws, lines):
    key = str(draws.randint(10000, 99999))
    at = draws.randint(0, lines)
    told = f"The pass key is {key}. Remember it. {key} is the pass key."
    text = "\n".join([HEAD] + [FILLER] * at + [told] + [FILLER] * (lines - at) + [ASK])
    return {"fillerLines": lines, "depth": round(at / lines, 3), "key": key, "text": text}


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    out = parser.parse_args().out
    draws = random.Random(SEED)
    docs = [document(draws, lines) for lines in LINES for _ in range(EACH)]
    write_json(out / "fable-2m.json", {"model": "fable-2m", "docs": docs}, indent=1)
    print(out / "fable-2m.json", len(docs))


main()
