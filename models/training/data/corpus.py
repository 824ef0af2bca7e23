"""Corpora: pools of postings, and queries with graded candidates over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from models.training.data.catalogue import load_catalogue
from models.training.data.grades import grade
from models.training.data.postings import draw_posting
from models.training.data.queries import draw_query
from models.training.data.truth import GeneratedPosting, GeneratedQuery, Split

__all__ = ["CandidateMix", "JudgedQuery", "draw_judged", "draw_pool"]


@dataclass(frozen=True, slots=True)
class CandidateMix:
    """How many candidates of a query come from its occupation, from its family, and from anywhere."""

    same_occupation: int = 10
    same_family: int = 8
    other: int = 6


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and its graded candidates."""

    query: GeneratedQuery
    candidates: tuple[GeneratedPosting, ...]
    grades: tuple[int, ...]


def draw_pool(seed: int, size: int, split: Split, prefix: str) -> list[GeneratedPosting]:
    """Postings of all occupations in turn, shuffled; ids ``{prefix}-000000`` and so on.

    Each posting has a random source of its own, so that a larger pool begins with the smaller one's words.
    """
    catalogue = load_catalogue()
    order = [catalogue.occupations[place % len(catalogue.occupations)] for place in range(size)]
    Random(f"{seed}/order").shuffle(order)
    return [
        draw_posting(Random(f"{seed}/{split}/{place}"), catalogue, f"{prefix}-{place:06d}", split, occupation)
        for place, occupation in enumerate(order)
    ]


def draw_judged(
    seed: int,
    pool: Sequence[GeneratedPosting],
    count: int,
    split: Split,
    mix: CandidateMix | None = None,
    excluded: frozenset[str] = frozenset(),
) -> list[JudgedQuery]:
    """Queries with different texts over a pool, each with at least one full answer and hard negatives.

    Candidates of the same occupation that miss a wish are the hard negatives. No query has a text that is ``excluded``.
    """
    mix, catalogue, rng = mix or CandidateMix(), load_catalogue(), Random(f"{seed}/queries/{split}")
    by_occupation: dict[str, list[GeneratedPosting]] = {}
    by_family: dict[str, list[GeneratedPosting]] = {}
    for posting in pool:
        by_occupation.setdefault(posting.occupation, []).append(posting)
        by_family.setdefault(posting.family, []).append(posting)
    judged: dict[str, JudgedQuery] = {}
    while len(judged) < count:
        target = rng.choice(pool)
        query = draw_query(rng, catalogue, target, split)
        if query is None or query.text in judged or query.text in excluded:
            continue
        groups = (
            ([target, *by_occupation[target.occupation]], mix.same_occupation),
            (by_family[target.family], mix.same_family),
            (pool, mix.other),
        )
        candidates = _draw_candidates(rng, groups)
        judged[query.text] = JudgedQuery(query, candidates, tuple(grade(query, posting) for posting in candidates))
    return list(judged.values())


def _draw_candidates(
    rng: Random, groups: Sequence[tuple[Sequence[GeneratedPosting], int]]
) -> tuple[GeneratedPosting, ...]:
    """Some of each group without repetition, shuffled; the first posting of the first group is always among them."""
    chosen: dict[str, GeneratedPosting] = {groups[0][0][0].job_id: groups[0][0][0]}
    for postings, wanted in groups:
        drawn = rng.sample(postings, min(len(postings), wanted + len(chosen)))
        fresh = [posting for posting in drawn if posting.job_id not in chosen]
        room = wanted - 1 if postings is groups[0][0] else wanted
        chosen |= {posting.job_id: posting for posting in fresh[:room]}
    candidates = list(chosen.values())
    rng.shuffle(candidates)
    return tuple(candidates)
