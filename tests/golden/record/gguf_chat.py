"""Records gguf/NAME.json and .f32 of a GGUF file that is not in the repository: a chat's template, answers, and some of its logits.

    python tests/golden/record/gguf_chat.py MODELS_DIR FILE NAME CASES.json OUT_DIR

FILE is a path in MODELS_DIR, where tests find it by $KVCAP_MODELS. CASES.json is a list of {name, messages | text, tokens}, at most
`tokens` to be answered, or a record, which is made again. The record is {file: null, modelFile, model, template, cases: [{name,
messages, text, ids, greedy, gaps, decoded, nll, logits}]}; README.md in this folder says what they are.
"""
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import hf_common  # noqa: F401: one thread, no gradients
from common import Floats, arguments, existing_file, out_folder, read_json, write_json


def record_case(model, tokenizer, case, floats):
    messages, text, tokens = case.get("messages"), case.get("text"), case.get("tokens") or len(case["greedy"])
    if messages:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, add_special_tokens=False).input_ids
    least = 1 if messages else tokens  # end-of-sequence ends an answer, but is not all of it
    output = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                            max_new_tokens=tokens, min_new_tokens=least, pad_token_id=0)
    greedy = output[0].tolist()[len(ids):]
    logits = model(torch.tensor([ids + greedy])).logits[0].float()
    largest = [logits[len(ids) - 1 + i].topk(2)[0] for i in range(len(greedy))]
    rows = sorted({0, 1, len(ids) // 2, len(ids) - 1, len(ids) + len(greedy) - 1})
    losses = -logits.log_softmax(-1)[torch.arange(len(ids) - 1), torch.tensor(ids)[1:]]
    print(case["name"], len(ids), repr(tokenizer.decode(greedy)))
    return {"name": case["name"], "messages": messages, "text": text, "ids": ids, "greedy": greedy,
            "gaps": [float(first - second) for first, second in largest], "decoded": tokenizer.decode(greedy),
            "logits": {**floats.add(logits[rows].numpy()), "rows": rows}, "nll": float(losses.mean())}


def main():
    parser = arguments(__doc__)
    parser.add_argument("models", type=Path, metavar="MODELS_DIR")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("cases", type=existing_file, metavar="CASES.json")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    args = parser.parse_args()
    path = args.models / args.file
    if not path.is_file():
        parser.error(f"{path} must be a file")
    given = read_json(args.cases)
    cases = given if isinstance(given, list) else given.get("cases", [])
    if not cases or not all("name" in case and ("tokens" in case or "greedy" in case) for case in cases):
        parser.error("CASES.json must be a list of {name, messages | text, tokens}, or a record")
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager")
    with Floats(args.out / f"{args.name}.f32") as floats:
        recorded = [record_case(model, tokenizer, case, floats) for case in cases]
    write_json(args.out / f"{args.name}.json", {
        "file": None, "modelFile": args.file, "model": args.name.rpartition("-")[0] or args.name,
        "template": tokenizer.chat_template, "cases": recorded}, indent=1)


main()
