"""Records hf/NAME.json and hf/NAME.f32: what Hugging Face transformers computes with a model folder (float32, eager, full cache).

    python tests/golden/record/hf.py MODEL_DIR OUT_DIR [--text TEXT …]

NAME is the folder's. The record is {model, architecture, params, cases: [{text, ids, greedy, decoded, logits, hidden, lastGap}]}:
logits [tokens, vocab]; hidden [layers + 1, tokens, hidden], the embeddings, then each layer's output, the last after the final norm;
greedy the next 40 ids with end-of-sequence forbidden; lastGap between the two largest logits of the last token.
"""
import torch
from tokenizers import Tokenizer

from common import Floats, arguments, model_folder, out_folder, write_json
from hf_common import encode, greedy, load_model

TEXTS = ["Once upon a time, there was a little girl named Lily. She loved to play outside in the park.",
         "One day, Tom found 3 red balls and 12 blue ones."]
GREEDY = 40  # tokens


def record_case(folder, model, text, floats):
    ids = encode(folder, model.config.bos_token_id, text)
    output = model(torch.tensor([ids]), output_hidden_states=True)
    chosen = greedy(model, ids, GREEDY)
    decoded = Tokenizer.from_file(str(folder / "tokenizer.json")).decode(chosen)
    logits = floats.add(output.logits[0].float().numpy())
    hidden = floats.add(torch.stack([states[0] for states in output.hidden_states]).float().numpy())
    first, second = output.logits[0, -1].topk(2)[0]
    return {"text": text, "ids": ids, "greedy": chosen, "decoded": decoded, "logits": logits, "hidden": hidden,
            "lastGap": (first - second).item()}


def main():
    parser = arguments(__doc__)
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("--text", action="append", metavar="TEXT", help="in place of the usual two")
    args = parser.parse_args()
    name = args.model.resolve().name
    model = load_model(args.model)
    with Floats(args.out / f"{name}.f32") as floats:
        cases = [record_case(args.model, model, text, floats) for text in args.text or TEXTS]
    write_json(args.out / f"{name}.json", {
        "model": name, "architecture": model.config.architectures, "params": sum(p.numel() for p in model.parameters()),
        "cases": cases})
    print(name, [case["decoded"][:50] for case in cases])


main()
