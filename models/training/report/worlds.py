"""The judged sets of the report in one form: the generator's held-out queries, and those outside its world."""

from dataclasses import replace
from pathlib import Path

from models.training.corpora import Corpus, evaluation_corpus
from models.training.judged import Item, JudgedSet, Ranking, ads_set, find_evaluation_data, melo_set
from schemas.posting import read_posting

__all__ = ["generated_set", "held_out_set", "judged_sets", "trimmed"]


def judged_sets(
    num_generated: int, num_real: int, data: Path | None, most_candidates: int | None = None
) -> list[JudgedSet]:
    """The generated sets first, known occupations before unseen ones, then the real sets.

    Args:
        num_generated: Most queries of a generated set.
        num_real: Most queries of a real one.
        data: Folder of the evaluation data; None leaves the real sets out.
        most_candidates: Of a query; None keeps all.

    Raises:
        ConfigurationError: Evaluation data are asked for and not there.
    """
    sets = [held_out_set(num_generated, is_unseen=is_unseen) for is_unseen in (False, True)]
    if data is not None:
        found = find_evaluation_data(data)
        sets += [ads_set(found), melo_set(found)]
    return [trimmed(judged, num_real if judged.is_real else num_generated, most_candidates) for judged in sets]


def held_out_set(num_queries: int, *, is_unseen: bool = False) -> JudgedSet:
    """So many of the generator's queries, over the shipped sample."""
    return generated_set(evaluation_corpus(num_queries, is_unseen=is_unseen), is_unseen=is_unseen)


def generated_set(corpus: Corpus, *, is_unseen: bool = False) -> JudgedSet:
    """Held-out queries of the generator, with the truth behind them.

    Args:
        corpus: Postings and judged queries.
        is_unseen: Whether the queries ask for occupations that training never sees.
    """
    items = {
        posting.job_id: Item(posting.job_id, read_posting(posting.posting).facts, posting.body, posting.summary)
        for posting in corpus.postings
    }
    rankings = [
        Ranking(
            entry.query.text,
            tuple(posting.job_id for posting in entry.candidates),
            tuple(entry.grades),
            frozenset(entry.query.slices),
        )
        for entry in corpus.judged
    ]
    name, title = ("unseen", "occupations never seen") if is_unseen else ("generated", "held-out generated queries")
    return JudgedSet(name, title, items, rankings, is_real=False)


def trimmed(judged: JudgedSet, num_queries: int, most_candidates: int | None = None) -> JudgedSet:
    """The first queries, each with its first candidates, the best one always among them; items that nobody needs go."""
    rankings = list(judged.rankings[:num_queries])
    if most_candidates is not None:
        rankings = [_shorter(ranking, most_candidates) for ranking in rankings]
    needed = {key for ranking in rankings for key in ranking.keys}
    items = {key: item for key, item in judged.items.items() if key in needed}
    return replace(judged, rankings=rankings, items=items)


def _shorter(ranking: Ranking, most: int) -> Ranking:
    best = max(range(len(ranking.grades)), key=lambda at: ranking.grades[at])
    kept = sorted([best, *[at for at in range(len(ranking.keys)) if at != best][: most - 1]])
    keys, grades = tuple(ranking.keys[at] for at in kept), tuple(ranking.grades[at] for at in kept)
    return replace(ranking, keys=keys, grades=grades)
