"""Figures of the generated world: how hard it is for words alone, and whether training and test are apart."""

from collections.abc import Sequence
from statistics import mean

from models.training.baselines import baselines
from models.training.data.catalogue import load_catalogue
from models.training.data.corpus import JudgedQuery, draw_judged, draw_pool
from models.training.data.leakage import leakage
from models.training.data.truth import GeneratedPosting, Split

__all__ = ["world_figures"]

_TRAINING_SEED, _TRAINING_POSTINGS, _TRAINING_QUERIES = 1, 1200, 1500
_TEST_QUERIES = 300


def world_figures(seed: int, num_postings: int) -> dict[str, float]:
    """Figures of the test set of a seed, and of a part of the training data beside it.

    Args:
        seed: Of the test set.
        num_postings: Of the test set.

    Returns:
        By name: nDCG@10 of BM25 and of random order, on occupations that training knows and on held-out ones; shares of
        graded wishes; body lengths in words; counts of what leaks from test to training (all must be 0).
    """
    pool = draw_pool(seed, num_postings, Split.EVALUATION, "sample")
    known = draw_judged(seed, pool, _TEST_QUERIES, Split.EVALUATION)
    unseen = draw_judged(seed, pool, _TEST_QUERIES, Split.EVALUATION, is_unseen=True)
    training_pool = draw_pool(_TRAINING_SEED, _TRAINING_POSTINGS, Split.TRAIN, "train")
    trained = draw_judged(_TRAINING_SEED, training_pool, _TRAINING_QUERIES, Split.TRAIN)
    leaks = leakage(load_catalogue(), (training_pool, trained), (pool, [*known, *unseen]))
    return {
        **{f"known_{name}": value for name, value in baselines(pool, known, seed).items()},
        **{f"unseen_{name}": value for name, value in baselines(pool, unseen, seed).items()},
        **_shares(known),
        **_lengths(pool),
        **{f"leaked_{name}": float(count) for name, count in leaks.items()},
    }


def _shares(judged: Sequence[JudgedQuery]) -> dict[str, float]:
    wishes = [wish for entry in judged for wish in entry.query.constraints]
    return {
        "wishes_in_body_only_share": mean(wish.in_body for wish in wishes),
        "queries_with_a_wish_in_other_words_share": mean("synonym" in entry.query.slices for entry in judged),
        "full_answers_per_query": mean(entry.grades.count(4) for entry in judged),
    }


def _lengths(pool: Sequence[GeneratedPosting]) -> dict[str, float]:
    words = sorted(len(posting.body.split()) for posting in pool)
    return {
        "body_words_median": words[len(words) // 2],
        "body_words_p95": words[len(words) * 95 // 100],
        "body_words_longest": words[-1],
        "facts_per_posting": mean(len(posting.facts) for posting in pool),
    }
