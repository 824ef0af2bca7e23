"""Lessons about one thing at a time: what searchers type for it, against one thing that an employer says.

A query for an occupation or for one wish, beside a title or an item with few facts, is a third as long as a whole pair
or less, and the one thing decides it. So the words of searchers and employers for one thing are learnt from many more
cases than whole pairs would give.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from models.training.data import GeneratedPosting, GeneratedQuery, Split
from models.training.data.catalogue import load_catalogue
from models.training.data.queries import body_wishes, draw_query, header_wishes, lowered_pay, typed_wish
from models.training.data.truth import Fact

__all__ = ["Lesson", "Lessons"]

_BODY_SHARE = 0.65
_MET_SHARE = 0.5
_OCCUPATION_SHARE = 0.5
_SECOND_WISH_SHARE = 0.5
_WHOLE_QUERY_SHARE = 0.5
_SAME_OCCUPATION, _SAME_FAMILY = 0.45, 0.75


@dataclass(frozen=True, slots=True)
class Lesson:
    """A query with one or two wishes or none, and a posting of which no more is known than the lesson shows.

    Attributes:
        query: With a wish, its text may leave the occupation out; without one, the lesson is the occupation.
        posting: Its facts and values are those that are shown.
        is_about_header: Whether the header answers the wish, and there are no facts.
    """

    query: GeneratedQuery
    posting: GeneratedPosting
    is_about_header: bool


class Lessons:
    """Draws lessons over a pool of postings, in training's wordings."""

    def __init__(self, pool: Sequence[GeneratedPosting]) -> None:
        self._pool = pool
        self._facts: dict[str, list[Fact]] = {}
        self._by_occupation: dict[str, list[GeneratedPosting]] = {}
        self._by_family: dict[str, list[GeneratedPosting]] = {}
        for posting in pool:
            self._by_occupation.setdefault(posting.occupation, []).append(posting)
            self._by_family.setdefault(posting.family, []).append(posting)
            for fact in posting.facts:
                self._facts.setdefault(fact.kind, []).append(fact)

    def about_occupation(self, rng: Random) -> Lesson:
        """Search words for an occupation, and a title: of the same in nearly half, of the family in another third.

        Half of the texts have wishes beside the occupation, which do not count: it has to be found among them.
        """
        catalogue, target = load_catalogue(), rng.choice(self._pool)
        occupation = catalogue.occupation(target.occupation)
        query = draw_query(rng, catalogue, target, Split.TRAIN) if rng.random() < _WHOLE_QUERY_SHARE else None
        if query is None:
            query = GeneratedQuery(rng.choice(occupation.typed.train), occupation.key, occupation.family, ())
        share = rng.random()
        shown = self._pool
        if share < _SAME_FAMILY:
            same = share < _SAME_OCCUPATION
            shown = self._by_occupation[occupation.key] if same else self._by_family[occupation.family]
        shown_title = replace(rng.choice(shown), facts=(), values={})
        return Lesson(replace(query, constraints=()), shown_title, is_about_header=False)

    def about_wish(self, rng: Random, most_others: int) -> Lesson:
        """A wish and what answers it, in half of them as wished on purpose, beside so many facts of other kinds.

        A second wish, often unanswered, and the occupation stand beside it in a part of the texts.
        """
        posting, catalogue = rng.choice(self._pool), load_catalogue()
        occupation = catalogue.occupation(posting.occupation)
        body = body_wishes(catalogue, posting)
        if body and rng.random() < _BODY_SHARE:
            wish, answer = rng.choice(body)
            shown = self._with_fact(rng, posting, answer, most_others)
        else:
            wish, answer = rng.choice(header_wishes(catalogue, occupation, posting)), None
            shown = posting if rng.random() < _MET_SHARE else rng.choice(self._pool)
            shown = replace(shown, facts=(), values={kind: shown.values[kind] for kind in shown.header_kinds})
        wishes = [lowered_pay(rng, wish)]
        if rng.random() < _SECOND_WISH_SHARE:
            free = [other for other, _ in body if other.kind != wish.kind]
            wishes += [lowered_pay(rng, other) for other in rng.sample(free, min(1, len(free)))]
        words = [typed_wish(rng, catalogue, occupation, asked, Split.TRAIN)[0] for asked in wishes]
        if shown.occupation == posting.occupation and rng.random() < _OCCUPATION_SHARE:
            words.append(rng.choice(occupation.typed.train))
        rng.shuffle(words)
        query = GeneratedQuery(" ".join(words).lower(), occupation.key, occupation.family, tuple(wishes))
        return Lesson(query, shown, is_about_header=answer is None)

    def _with_fact(self, rng: Random, posting: GeneratedPosting, answer: Fact, most_others: int) -> GeneratedPosting:
        """The posting with the fact, or any other of its kind, and a few facts of other kinds."""
        if rng.random() >= _MET_SHARE:
            answer = rng.choice(self._facts[answer.kind])
        others = [fact for fact in posting.facts if fact.kind != answer.kind]
        told = [answer, *rng.sample(others, min(len(others), rng.randint(0, most_others)))]
        rng.shuffle(told)
        return replace(posting, facts=tuple(told), values={fact.kind: frozenset({fact.value}) for fact in told})
