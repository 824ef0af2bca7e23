"""The data sets of a training: what it learns from, and what it is measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from tokenizers import Tokenizer

from models.bundle import Role
from models.prompts import TextTokenizer
from models.training.data import CandidateMix, GeneratedPosting, JudgedQuery, Split, draw_judged, draw_pool
from models.training.data.files import SAMPLE_POSTINGS, SAMPLE_QUERIES, SAMPLE_SEED
from models.training.tokenizer import WORDS_ALIKE, corpus_texts, train_tokenizer

__all__ = [
    "DATA_SEED",
    "TRAINING_MIX",
    "Corpus",
    "evaluation_corpus",
    "text_tokenizer",
    "tiny_tokenizer",
    "training_corpus",
]

DATA_SEED = 1
"""Of the training data and so of the tokenizers."""

TRAINING_MIX = CandidateMix(answers=2, same_occupation=2, same_family=2, same_words=1, other=1)
"""Eight candidates a query in training: half of them share its occupation and differ in the wishes they meet."""

_POSTINGS, _QUERIES = 6000, 9000
_TOKENIZER_POSTINGS, _TOKENIZER_QUERIES = 3000, 3000


@dataclass(frozen=True, slots=True)
class Corpus:
    """Postings, and judged queries over them."""

    postings: Sequence[GeneratedPosting]
    judged: Sequence[JudgedQuery]


def evaluation_corpus(queries: int = SAMPLE_QUERIES, *, is_unseen: bool = False) -> Corpus:
    """The shipped sample with the truth behind it; training sees none of its wordings, templates or organisations.

    Args:
        queries: How many; the first ones are the shipped ones.
        is_unseen: Whether they ask for occupations that training never sees, instead of known ones in unknown words.
    """
    postings = draw_pool(SAMPLE_SEED, SAMPLE_POSTINGS, Split.EVALUATION, "sample")
    return Corpus(postings, draw_judged(SAMPLE_SEED, postings, queries, Split.EVALUATION, is_unseen=is_unseen))


def training_corpus(postings: int = _POSTINGS, queries: int = _QUERIES) -> Corpus:
    """What the models learn from; a smaller one is for tests."""
    pool = draw_pool(DATA_SEED, postings, Split.TRAIN, "train")
    held_out = frozenset(entry.query.text for entry in evaluation_corpus().judged)
    return Corpus(pool, draw_judged(DATA_SEED, pool, queries, Split.TRAIN, TRAINING_MIX, held_out))


def tiny_tokenizer(role: Role) -> Tokenizer:
    """Train the tokenizer of a tiny model, always the same one: a summarizer's writes text as it stood."""
    pool = draw_pool(DATA_SEED, _TOKENIZER_POSTINGS, Split.TRAIN, "train")
    judged = draw_judged(DATA_SEED, pool, _TOKENIZER_QUERIES, Split.TRAIN, TRAINING_MIX)
    return train_tokenizer(corpus_texts(pool, judged), normalizer=WORDS_ALIKE if role is Role.RANKER else None)


def text_tokenizer(tokenizer: Tokenizer) -> TextTokenizer:
    """The tokenizer as prompts use it; works on a copy, since it changes how special tokens in text are read."""
    content = tokenizer.to_str(pretty=False)
    return TextTokenizer(Tokenizer.from_str(content), sha256(content.encode()).hexdigest()[:16])
