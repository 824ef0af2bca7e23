"""What of a posting is shown to the ranker, and what is right of that: pure functions over the truth."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random

from models.prompts import sentences
from models.training.data import MAX_GRADE, GeneratedPosting, GeneratedQuery
from models.training.data.grades import constraint_share
from models.training.data.truth import Fact, values_with
from models.training.ranker_curriculum import HeaderDetail, Stage

__all__ = ["answer_of", "answers_on_the_way", "ends_of_facts", "excerpt", "imperfectly_told", "reduced"]

_IMPERFECT_SHARE = 0.25
"""The ranker will read what a model wrote: it must not count on perfection."""
_ELSEWHERE_SHARE = 0.2
"""Of excerpts: where nothing may be told."""


def reduced(rng: Random, query: GeneratedQuery, posting: GeneratedPosting, stage: Stage) -> GeneratedPosting:
    """The posting as far as the stage shows it, so that the grade follows from what can be read.

    Of the header a title tells the seniority and nothing else that can be wished.
    """
    asked = {wish.kind for wish in query.constraints}
    others = [fact for fact in posting.facts if fact.kind not in asked]
    extra = rng.sample(others, min(len(others), rng.randint(0, stage.other_facts or 0)))
    facts = tuple(fact for fact in posting.facts if fact.kind in asked or fact in extra)
    shown = {"seniority"} if stage.header is HeaderDetail.TITLE else posting.header_kinds
    return _showing(posting, shown, facts)


def imperfectly_told(rng: Random, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts as a summarizer might tell them: sometimes one is lost, doubled, moved, or its phrase cut."""
    told = list(facts)
    if not told or rng.random() >= _IMPERFECT_SHARE:
        return tuple(told)
    place = rng.randrange(len(told))
    damage = rng.choice(("lose", "double", "cut", "move"))
    if damage == "lose":
        del told[place]
    elif damage == "double":
        told.insert(rng.randrange(len(told)), told[place])
    elif damage == "cut":
        words = told[place].phrase.split()
        told[place] = replace(told[place], phrase=" ".join(words[: max(1, len(words) - 1)]))
    else:
        told.insert(rng.randrange(len(told)), told.pop(place))
    return tuple(told)


def answers_on_the_way(query: GeneratedQuery, posting: GeneratedPosting, told: Sequence[Fact]) -> list[int]:
    """What each part of an item says by itself about the query, as grades: after the title, the header, each fact told.

    The title answers for the occupation: 4 for the same, 1 for its family, 0 for any other. The header and each fact
    answer for the wishes of their kinds: 4 where they are met, 0 where they are denied, 2 where none was expressed.
    """
    same_family = int(posting.family == query.family)
    answers = [MAX_GRADE if posting.occupation == query.occupation else same_family]
    answers.append(
        answer_of(query, posting, {kind: posting.values.get(kind, frozenset()) for kind in posting.header_kinds})
    )
    answers += [answer_of(query, posting, {fact.kind: frozenset({fact.value})}) for fact in told]
    return answers


def ends_of_facts(posting: GeneratedPosting) -> list[int]:
    """Where the phrase of each fact ends in the body: offsets of the characters behind them, in the facts' order."""
    return [end for _, end in _spans_of_facts(posting)]


def excerpt(rng: Random, posting: GeneratedPosting, most_sentences: int) -> GeneratedPosting:
    """The posting with some of its body, sentences that follow one another around a fact, and what they tell.

    Args:
        rng: Of length and place.
        posting: Its body is not empty.
        most_sentences: At least one.
    """
    spans, told = _spans_of_sentences(posting.body), _spans_of_facts(posting)
    length, around = rng.randint(1, most_sentences), rng.randrange(len(spans))
    if told and rng.random() >= _ELSEWHERE_SHARE:
        start, _ = rng.choice(told)
        around = next(at for at, (_, end) in enumerate(spans) if start < end)
    first = max(0, around - rng.randrange(length))
    (start, _), (_, end) = spans[first], spans[min(first + length, len(spans)) - 1]
    inside = tuple(fact for fact, span in zip(posting.facts, told, strict=True) if start <= span[0] and span[1] <= end)
    return replace(_showing(posting, posting.header_kinds, inside), body=posting.body[start:end])


def _showing(posting: GeneratedPosting, header: Collection[str], facts: tuple[Fact, ...]) -> GeneratedPosting:
    """The posting as far as some kinds of its header and some of its facts tell it."""
    values = {kind: stated for kind, stated in posting.values.items() if kind in header}
    return replace(posting, facts=facts, values=values_with(values, facts))


def _spans_of_facts(posting: GeneratedPosting) -> list[tuple[int, int]]:
    starts = (fact.start_in(posting.body) for fact in posting.facts)
    return [(start, start + len(fact.phrase)) for start, fact in zip(starts, posting.facts, strict=True)]


def _spans_of_sentences(body: str) -> list[tuple[int, int]]:
    spans, end = list[tuple[int, int]](), 0
    for sentence in sentences(body):
        start = body.index(sentence, end)
        end = start + len(sentence)
        spans.append((start, end))
    return spans


def answer_of(query: GeneratedQuery, posting: GeneratedPosting, values: dict[str, frozenset[str]]) -> int:
    """What some values of a posting say about the wishes of their kinds, as a grade: 2 where none was expressed."""
    part = replace(posting, values=values)
    shares = [constraint_share(wish, part) for wish in query.constraints if values.get(wish.kind)]
    return round(MAX_GRADE * sum(shares) / len(shares)) if shares else MAX_GRADE // 2
