"""Records easykv/NAME.json and .f32: every decision of EasyKV, the paper's own package, on a small Llama.

    git clone https://github.com/DRSY/EasyKV && git -C EasyKV checkout a1d71ca
    python tests/golden/record/easykv_runs.py EASYKV_DIR MODEL_DIR OUT_DIR CASE.json …

EasyKV's code is not in this repository: it is imported from EASYKV_DIR. A CASE.json is {case: {name, modelName, kind, text, mode, policy,
budget, stride, stats_every?, max_new_tokens?, max_prompt?, keep_attention?}}, or an existing record, which is made again:
mode decoding, encoding, auto or ppl; policy recency, h2o_head, tova or roco; a budget in tokens, or a share of the prompt.
What a record holds: README.md in this folder.
"""
import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from tokenizers import Tokenizer

import hf_common  # noqa: F401: one thread, no gradients
from common import Floats, arguments, existing_file, model_folder, out_folder, read_json, write_json
from plain_llama import PlainLlama

MODES, POLICIES = ("decoding", "encoding", "auto", "ppl"), ("recency", "h2o_head", "tova", "roco")
HOOKS = ("truncate_kv_cache", "truncate_kv_cache_silo", "truncate_kv_cache_liso")
STATISTICS = {"sum": "cache_attn_scores", "sumsq": "cache_attn_scores_square", "count": "cache_counter"}


def import_easykv(folder):
    """EasyKV's main module, on the CPU: what it moves to "cuda" stays where it is."""
    sys.path.insert(0, str(folder))
    move = torch.Tensor.to
    torch.Tensor.to = lambda tensor, *to, **more: move(tensor, *["cpu" if x == "cuda" else x for x in to], **more)
    import easykv.easykv
    return easykv.easykv


def margins(at, policy):
    """
    How near RoCo's choice was, per lane: the relative gap between the last evicted and the first kept score, and the gap
    between the last spread in scope and the next. `at`: the local variables of EasyKV's function.
    """
    if policy != "roco" or "cur_std" not in at:
        return None
    scope, spread, victims = at["feasible_ids"], at["cur_std"].sort(-1)[0], at["eviction_ids"]
    means = (at["cache_attn_scores"] / at["cache_counter"]).gather(-1, scope).sort(-1)[0]
    count, size = victims.shape[-1] if torch.is_tensor(victims) and victims.ndim == 3 else 1, scope.shape[-1]
    score = edge = None
    if means.shape[-1] > count:
        last = means[..., count - 1]
        score = ((means[..., count] - last) / means[..., count].abs().clamp_min(1e-12)).flatten().tolist()
    if spread.shape[-1] > size:
        edge = (spread[..., size] - spread[..., size - 1]).nan_to_num(1).flatten().tolist()
    return {"score": score, "scope": edge, "nan": int(at["cur_std"].isnan().sum()), "scopeSize": size}


def statistics(at):
    """EasyKV's sums before an eviction: [layers, kvHeads, slots] each."""
    found = {name: at[theirs].float().flatten().tolist() for name, theirs in STATISTICS.items()}
    return {**found, "slots": int(at["cache_attn_scores"].shape[-1])}


class Watch:
    """Stands in for the functions by which EasyKV takes tokens out of its cache, and notes whom they take."""

    def __init__(self, easykv, model, case):
        self.model, self.case, self.events = model, case, []
        self.own = {name: getattr(easykv, name) for name in HOOKS}
        easykv.truncate_kv_cache = self.span
        easykv.truncate_kv_cache_silo = self.one
        easykv.truncate_kv_cache_liso = self.several

    def span(self, past, start, end):
        self.note(lambda layer, head: range(start, end), sys._getframe(1).f_locals)
        return self.own["truncate_kv_cache"](past, start, end)

    def one(self, past, victims):
        self.note(lambda layer, head: [int(victims[layer][head])], sys._getframe(1).f_locals)
        return self.own["truncate_kv_cache_silo"](past, victims)

    def several(self, past, victims):
        self.note(lambda layer, head: victims[layer, head].tolist(), sys._getframe(1).f_locals)
        return self.own["truncate_kv_cache_liso"](past, victims)

    def note(self, slots_of, at):
        evicted = []
        for layer, lanes in enumerate(self.model.positions):
            for head, held in enumerate(lanes):
                gone = set(slots_of(layer, head))
                evicted.append([held[slot] for slot in sorted(gone)])
                lanes[head] = [position for slot, position in enumerate(held) if slot not in gone]
        policy, every = self.case["policy"], self.case.get("stats_every", 0)
        event = {"evicted": evicted, "margin": margins(at, policy)}
        if every and len(self.events) % every == 0 and policy in ("roco", "h2o_head"):
            event["stats"] = statistics(at)
        self.model.calls[-1]["event"] = len(self.events)
        self.events.append(event)

    def end(self, easykv):
        for name, function in self.own.items():
            setattr(easykv, name, function)


def run(easykv, folder, out, case):
    model, tokenizer = PlainLlama(folder), Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = [model.bos] + tokenizer.encode(case["text"], add_special_tokens=False).ids
    ids = ids[:case.get("max_prompt")]
    written = []

    def decode(chosen, **_):
        written.extend(map(int, chosen) if not written else ())
        return tokenizer.decode(list(chosen))

    model.tokenizer = SimpleNamespace(decode=decode, convert_ids_to_tokens=lambda i: [str(i)], eos_token_id=-1)
    watch = Watch(easykv, model, case)
    result = easykv.generate(model, torch.tensor([ids]), {
        "temperature": 1e-9, "top_p": 1.0, "max_new_tokens": case.get("max_new_tokens", 64), "budget": case["budget"],
        "kv_policy": case["policy"], "keep_attention": case.get("keep_attention", False), "eos_token_ids": [-1],
    }, kv_mode=case["mode"], stride=case["stride"])
    watch.end(easykv)
    calls = []
    with Floats(out / f"{case['name']}.f32") as floats:
        for call in model.calls:
            where = {} if call["attention"] is None else floats.add(call["attention"])
            calls.append({"positions": call["positions"], "live": call["live"], "event": call["event"], "offset": None, **where})
    write_json(out / f"{case['name']}.json", {
        "case": case, "layers": model.layers, "kvHeads": model.kv_heads, "promptIds": ids, "outputIds": written or None,
        "text": result if isinstance(result, str) else None, "ppl": result if isinstance(result, float) else None,
        "calls": calls, "events": watch.events})
    print(case["name"], len(ids), "tokens,", len(calls), "passes,", len(watch.events), "evictions")


def easykv_folder(path):
    if not (Path(path) / "easykv/easykv.py").is_file():
        raise argparse.ArgumentTypeError(f"{path} must have easykv/easykv.py")
    return Path(path)


def main():
    parser = arguments(__doc__)
    parser.add_argument("easykv", type=easykv_folder, metavar="EASYKV_DIR")
    parser.add_argument("model", type=model_folder, metavar="MODEL_DIR")
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    parser.add_argument("cases", type=existing_file, nargs="+", metavar="CASE.json")
    args = parser.parse_args()
    cases = [read_json(path).get("case", {}) for path in args.cases]
    for path, case in zip(args.cases, cases):
        missing = {"name", "text", "mode", "policy", "budget", "stride"} - case.keys()
        if missing or case["mode"] not in MODES or case["policy"] not in POLICIES:
            parser.error(f"{path} must have a case with a mode of {', '.join(MODES)} and a policy of {', '.join(POLICIES)}")
    easykv = import_easykv(args.easykv)
    for case in cases:
        run(easykv, args.model, args.out, case)


main()
