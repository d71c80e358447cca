"""Records sampling.json: which ids transformers' logits processors leave, and what they make of logits, for distributions that are
drawn by whole numbers alone, so that the test draws the same.

    python tests/golden/record/sampling.py OUT_DIR

It needs transformers==5.24.0. {KIND: [kept, ...]}: hex, bit i for id i; and where penalties or biases change logits, a space and the
crc32 of these in f32. What leaves ids out has float64, so that none goes for a rounding's sake.
"""
import zlib

import torch
from transformers.generation.logits_process import (
    MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, SequenceBiasLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper,
    TopPLogitsWarper, TypicalLogitsWarper)

from common import arguments, out_folder, write_json

VOCAB, COUNT = 48, 1000


class Dice:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 8) % n


def logits(dice, apart):
    """apart: no two are equal. In 256ths, which f32 holds."""
    width = 64 << dice.below(6)
    values = [(dice.below(width) - width // 2) / 256 * 4 + (i / 65536 if apart else 0) for i in range(VOCAB)]
    return [float("-inf") if dice.below(12) == 0 and i > 0 else value for i, value in enumerate(values)]


def options(kind, dice):
    own = {
        "topK": lambda: {"topK": 1 + dice.below(VOCAB)},
        "topP": lambda: {"topP": (1 + dice.below(99)) / 100},
        "minP": lambda: {"minP": dice.below(101) / 100},
        "typicalP": lambda: {"typicalP": (1 + dice.below(99)) / 100},
        "repetitionPenalty": lambda: {"repetitionPenalty": (50 + dice.below(150)) / 100},
        "logitBias": lambda: {"logitBias": [[id, (dice.below(81) - 40) / 4] for id in sorted({dice.below(VOCAB) for _ in range(3)})]},
    }
    if kind != "all":
        return own[kind]()
    found = {}
    for make in own.values():
        if dice.below(2):
            found.update(make())
    return found


def run(values, asked, temperature, recent):
    ids = torch.tensor([recent], dtype=torch.long)
    scores = torch.tensor([values], dtype=torch.float32)
    if "logitBias" in asked:
        bias = SequenceBiasLogitsProcessor([[[id], float(more)] for id, more in asked["logitBias"]])
        bias.vocabulary_size = VOCAB
        scores = bias(ids, scores)
    if "repetitionPenalty" in asked:
        scores = RepetitionPenaltyLogitsProcessor(float(asked["repetitionPenalty"]))(ids, scores)
    crc = zlib.crc32(scores[0].numpy().astype("<f4").tobytes())
    scores = TemperatureLogitsWarper(float(temperature))(ids, scores.double())
    for name, make in (("topK", TopKLogitsWarper), ("topP", TopPLogitsWarper), ("minP", MinPLogitsWarper), ("typicalP", TypicalLogitsWarper)):
        if name in asked:
            scores = make(asked[name])(ids, scores)
    kept = sum(1 << i for i, score in enumerate(scores[0].tolist()) if score > float("-inf"))
    return kept, crc


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", metavar="OUT_DIR", type=out_folder)
    out = parser.parse_args().out
    kinds = {}
    for number, kind in enumerate(["topK", "topP", "minP", "typicalP", "repetitionPenalty", "logitBias", "all"]):
        dice = Dice(number + 1)
        kinds[kind] = []
        for _ in range(COUNT):
            values = logits(dice, kind not in ("topK", "minP"))
            temperature = (1 + dice.below(8)) / 4
            recent = [dice.below(VOCAB) for _ in range(1 + dice.below(30))]
            kept, crc = run(values, options(kind, dice), temperature, recent)
            kinds[kind].append(f"{kept:x}" + (f" {crc:x}" if kind in ("repetitionPenalty", "logitBias", "all") else ""))
    write_json(out / "sampling.json", kinds)


if __name__ == "__main__":
    main()
