"""Makes scores.json: pairs of texts, and what rouge-score, sacrebleu and nltk make of them; and stems of words.

    python tests/golden/record/scores.py OUT_DIR

It needs rouge-score==0.1.2, sacrebleu==2.6.0 and nltk==3.10.4, and no data of theirs. METEOR is nltk's over the words of
sacrebleu's tokenizer 13a, with a WordNet that knows no word: it looks for the same words and the same stems.
"""
import json
import random

import sacrebleu
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from common import arguments, out_folder, write_json

SEED, PAIRS, CORPUS = 5, 200, 20  # of the pairs, so many make one corpus
KINDS = ["rouge1", "rouge2", "rougeL"]
NOUNS = "garden map lily policies token caches monkey-wrench kettle story stories sky lanes U.S. market 1,024 3.5 7-2 boys".split()
VERBS = "evicts evicted evicting keeps kept hoping hopped agreed tied tying die dying falls filing fizzed conflated sized".split()
MORE = "happily relational conditional gracefully hopefulness archaeology the the a an and, but enjoying tries spied".split()
MARKS = [".", "!", "?", "...", " -", ";", ":", ",", ' "so"', " (or not)", " &amp; co.", " & <b>", " café №5", " – naïve", "\n", "-\n", "\t"]
ROOTS = "relat condit valenc digit conform radic differ vil analog vietnam predic oper feud decis hope callous form sensit " \
        "triplic electr good reviv allow infer airlin gyroscop adjust defens irrit replac depend adopt homolog commun activ " \
        "angular bowdler prob rat ceas control rol y sky syzyg toy agre plaster bled motor sing trouble siz tann hiss fizz fail " \
        "archaeo gen ab oo al el".split()
ENDS = "ational tional enci anci izer abli bli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti " \
       "iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion " \
       "ou ism ate iti ous ive ize e ll lle y ies ied sses ss s eed ed ing ated bling izing".split()


class NoWords:
    """A WordNet without a word."""

    def synsets(self, word):
        return []


def sentence(draws):
    words = [draws.choice(draws.choice([NOUNS, VERBS, MORE])) for _ in range(draws.randint(1, 24))]
    text = " ".join(word + (draws.choice(MARKS) if draws.random() < 0.2 else "") for word in words)
    return text.capitalize() if draws.random() < 0.5 else text


def changed(draws, text):
    """Another text of much the same words."""
    words = text.split(" ")
    for _ in range(draws.randint(0, 6)):
        at = draws.randrange(len(words)) if words else 0
        way = draws.randrange(4)
        if way == 0 and words:
            del words[at]
        elif way == 1:
            words.insert(at, draws.choice(draws.choice([NOUNS, VERBS, MORE])))
        elif way == 2 and words:
            words[at] = draws.choice(["", words[at].upper(), words[at] + "s", words[at] + "ing", words[0]])
        elif words:
            begin = draws.randrange(len(words))
            words = words[begin:] + words[:begin]
    return " ".join(words)


def pair_of(draws, index):
    special = [("", ""), ("", "a word"), ("a word", ""), ("one", "one"), ("One two", "one two three"), ("!", "!"), (" \u3000x\x1f", "x")]
    if index < len(special):
        return special[index]
    reference = " ".join(sentence(draws) for _ in range(draws.randint(1, 4)))
    return reference, changed(draws, reference) if draws.random() < 0.8 else sentence(draws)


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder, metavar="OUT_DIR")
    out = parser.parse_args().out
    draws = random.Random(SEED)
    cut, stemmer = Tokenizer13a(), PorterStemmer()
    scorers = {name: RougeScorer(KINDS, use_stemmer=name == "stemmed") for name in ("plain", "stemmed")}
    pairs = []
    for index in range(PAIRS):
        reference, text = pair_of(draws, index)
        found = {name: scorer.score(reference, text) for name, scorer in scorers.items()}
        words = [cut(one.rstrip()).split() for one in (reference, text)]
        pairs.append({
            "reference": reference,
            "text": text,
            "rouge": {name: {kind: list(scores[kind]) for kind in KINDS} for name, scores in found.items()},
            "bleu": sacrebleu.sentence_bleu(text, [reference]).score,
            "meteor": single_meteor_score(*words, wordnet=NoWords()),
        })
    corpora = []
    for begin in range(0, PAIRS, CORPUS):
        part = pairs[begin:begin + CORPUS]
        corpora.append(sacrebleu.corpus_bleu([one["text"] for one in part], [[one["reference"] for one in part]]).score)
    words = sorted({root + end for root in ROOTS for end in ENDS if draws.random() < 0.25} | set(stemmer.pool) | set(VERBS + MORE))
    write_json(out / "scores.json", {"pairs": pairs, "corpusSize": CORPUS, "corpora": corpora,
                                     "stems": {word: stemmer.stem(word) for word in words}})
    print(out / "scores.json", len(pairs), len(words), len(json.dumps(pairs)))


main()
