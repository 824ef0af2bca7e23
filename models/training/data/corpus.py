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
    """How many candidates of a query come from where.

    Attributes:
        answers: Of its occupation, and nothing that it asks is denied.
        same_occupation: Of its occupation; most of them deny a wish: the near misses.
        same_family: Of the family.
        same_words: Of other occupations, which meet its wishes: the right answers to the wrong job.
        other: From anywhere.
    """

    answers: int = 4
    same_occupation: int = 8
    same_family: int = 6
    same_words: int = 3
    other: int = 3


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and its graded candidates."""

    query: GeneratedQuery
    candidates: tuple[GeneratedPosting, ...]
    grades: tuple[int, ...]


def draw_pool(seed: int, size: int, split: Split, prefix: str) -> list[GeneratedPosting]:
    """Postings of all occupations that the split knows in turn, shuffled; ids ``{prefix}-000000`` and so on.

    Each posting has a random source of its own, so that a larger pool begins with the smaller one's words.
    """
    catalogue = load_catalogue()
    known = catalogue.known(split)
    order = [known[place % len(known)] for place in range(size)]
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
    *,
    is_unseen: bool = False,
) -> list[JudgedQuery]:
    """Queries with different texts over a pool, each with at least one full answer and hard negatives.

    A smaller count gives the first queries of a larger one.

    Args:
        seed: Of all that is drawn.
        pool: What is searched.
        count: How many queries.
        split: Whose wordings the queries have.
        mix: Where candidates come from.
        excluded: Texts that no query has.
        is_unseen: Whether the queries ask for the occupations that training never sees; otherwise for the others. The
            main figure of the test is about known occupations in unknown words and combinations: a model made from
            nothing cannot know what a job is called that it never met.
    """
    mix, catalogue = mix or CandidateMix(), load_catalogue()
    rng = Random(f"{seed}/queries/{split}/{is_unseen}")
    held_out = {entry.key for entry in catalogue.occupations if entry.is_held_out}
    targets = [posting for posting in pool if (posting.occupation in held_out) is is_unseen]
    index = _Index(pool)
    judged: dict[str, JudgedQuery] = {}
    while len(judged) < count:
        target = rng.choice(targets)
        query = draw_query(rng, catalogue, target, split)
        if query is None or query.text in judged or query.text in excluded:
            continue
        groups = (
            ([target, *index.answering(query)], mix.answers),
            (index.by_occupation[target.occupation], mix.same_occupation),
            (index.by_family[target.family], mix.same_family),
            (index.meeting(query), mix.same_words),
            (pool, mix.other),
        )
        candidates = _draw_candidates(rng, groups)
        judged[query.text] = JudgedQuery(query, candidates, tuple(grade(query, posting) for posting in candidates))
    return list(judged.values())


class _Index:
    """Postings of a pool by occupation, family, and what they say."""

    def __init__(self, pool: Sequence[GeneratedPosting]) -> None:
        self.by_occupation: dict[str, list[GeneratedPosting]] = {}
        self.by_family: dict[str, list[GeneratedPosting]] = {}
        self._by_value: dict[tuple[str, str], list[GeneratedPosting]] = {}
        for posting in pool:
            self.by_occupation.setdefault(posting.occupation, []).append(posting)
            self.by_family.setdefault(posting.family, []).append(posting)
            for kind, values in posting.values.items():
                for value in values:
                    self._by_value.setdefault((kind, value), []).append(posting)

    def answering(self, query: GeneratedQuery) -> list[GeneratedPosting]:
        """Postings of the occupation that deny no wish."""
        return [posting for posting in self.by_occupation[query.occupation] if grade(query, posting) > 1]

    def meeting(self, query: GeneratedQuery) -> list[GeneratedPosting]:
        """Postings of other families that say what the rarest of the query's wishes asks for."""
        found = [self._by_value.get((wish.kind, wish.value), []) for wish in query.constraints]
        return [posting for posting in min(found, key=len) if posting.family != query.family]


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
