"""Lessons about one wish: what searchers type for it, against one thing that an employer says about it.

A query with one wish beside an item with few facts is a third as long as a whole pair, and the wish decides it. So the
words of searchers and employers for one thing are learnt from many more cases than whole pairs would give.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from models.training.data import GeneratedPosting, GeneratedQuery, Split
from models.training.data.catalogue import load_catalogue
from models.training.data.queries import body_wishes, header_wishes, lowered_pay, typed_wish
from models.training.data.truth import Fact

__all__ = ["Lesson", "WishLessons"]

_BODY_SHARE = 0.65
_MET_SHARE = 0.5
_OCCUPATION_SHARE = 0.5
_MOST_OTHERS = 2


@dataclass(frozen=True, slots=True)
class Lesson:
    """A query with one wish, and a posting of which no more is known than the lesson shows.

    Attributes:
        query: Its text may leave the occupation out.
        posting: Its facts and values are those that are shown.
        is_about_body: Whether a fact answers; otherwise the header does, and there are no facts.
    """

    query: GeneratedQuery
    posting: GeneratedPosting
    is_about_body: bool


class WishLessons:
    """Draws lessons over a pool of postings, in training's wordings."""

    def __init__(self, pool: Sequence[GeneratedPosting]) -> None:
        self._pool = pool
        self._facts: dict[str, list[Fact]] = {}
        for posting in pool:
            for fact in posting.facts:
                self._facts.setdefault(fact.kind, []).append(fact)

    def draw(self, rng: Random) -> Lesson:
        """A lesson; in half of them the wish is met on purpose."""
        posting, catalogue = rng.choice(self._pool), load_catalogue()
        occupation = catalogue.occupation(posting.occupation)
        body = body_wishes(catalogue, posting)
        if body and rng.random() < _BODY_SHARE:
            wish, answer = rng.choice(body)
            shown = self._with_fact(rng, posting, answer)
        else:
            wish, answer = rng.choice(header_wishes(catalogue, occupation, posting)), None
            shown = posting if rng.random() < _MET_SHARE else rng.choice(self._pool)
            shown = replace(shown, facts=(), values={kind: shown.values[kind] for kind in shown.header_kinds})
        wish = lowered_pay(rng, wish)
        text, _ = typed_wish(rng, catalogue, occupation, wish, Split.TRAIN)
        if shown.occupation == posting.occupation and rng.random() < _OCCUPATION_SHARE:
            words = [text, rng.choice(occupation.typed.train)]
            rng.shuffle(words)
            text = " ".join(words)
        query = GeneratedQuery(text.lower(), occupation.key, occupation.family, (wish,))
        return Lesson(query, shown, is_about_body=answer is not None)

    def _with_fact(self, rng: Random, posting: GeneratedPosting, answer: Fact) -> GeneratedPosting:
        """The posting with the fact, or any other of its kind, and a few facts of other kinds."""
        if rng.random() >= _MET_SHARE:
            answer = rng.choice(self._facts[answer.kind])
        others = [fact for fact in posting.facts if fact.kind != answer.kind]
        told = [answer, *rng.sample(others, min(len(others), rng.randint(0, _MOST_OTHERS)))]
        rng.shuffle(told)
        return replace(posting, facts=tuple(told), values={fact.kind: frozenset({fact.value}) for fact in told})
