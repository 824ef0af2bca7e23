"""Pairs for the ranker: query, header, the whole body or a summary such as a summarizer might write, and the grade."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from random import Random

from models.prompts import RankerPrompt, TextTokenizer, normalise_query, render_header
from models.training.data import MAX_GRADE, GeneratedPosting, GeneratedQuery, JudgedQuery, grade
from models.training.data.grades import constraint_share
from models.training.data.truth import Fact
from models.training.examples import Example
from models.training.lessons import Lesson, Lessons
from models.training.soft_labels import SOFT_LABELS
from models.training.unknown_words import WHOLE_ITEM, Extent, UnknownWords, WordLesson
from schemas.posting import read_posting

__all__ = [
    "CURRICULUM",
    "CURRICULUM_OF_BODIES",
    "HeaderDetail",
    "Pair",
    "RankerData",
    "Stage",
    "imperfectly_told",
    "reduced",
]

_IMPERFECT_SHARE, _LEAD_SHARE = 0.25, 0.07
"""The ranker will read what a model wrote, or the fallback where none could: it must not count on perfection."""


class HeaderDetail(StrEnum):
    """How much of the header a stage shows."""

    TITLE = "title"
    SHORT = "title, place, remote, employment type, pay"
    FULL = "all"


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training.

    Attributes:
        share: Fraction of all steps.
        queries: Queries a step, eight pairs each.
        header: How much of the header is shown.
        other_facts: Most facts shown that the query does not ask about; None for all facts, imperfectly told.
        language_weight: Weight of next-token loss on relevant pairs, beside 1 for the answer.
        titles: Lessons about occupations a step, beside the pairs of the queries.
        wishes: Lessons about single wishes a step.
        words: Lessons in unknown words a step.
        extent: Their length.
        bodies: Queries a step whose candidates are read as whole bodies instead: some 700 tokens a pair.
    """

    share: float
    queries: int
    header: HeaderDetail
    other_facts: int | None
    language_weight: float = 0.0
    titles: int = 0
    wishes: int = 0
    words: int = 0
    extent: Extent = WHOLE_ITEM
    bodies: int = 0


CURRICULUM = (
    Stage(
        share=0.12,
        queries=0,
        header=HeaderDetail.TITLE,
        other_facts=0,
        language_weight=0.15,
        titles=220,
        words=130,
        extent=Extent(query=2, title=2),
    ),
    Stage(
        share=0.18,
        queries=0,
        header=HeaderDetail.TITLE,
        other_facts=0,
        language_weight=0.05,
        titles=60,
        wishes=100,
        words=60,
        extent=Extent(query=3, title=4),
    ),
    Stage(
        share=0.15,
        queries=3,
        header=HeaderDetail.TITLE,
        other_facts=2,
        titles=40,
        wishes=70,
        words=30,
        extent=Extent(query=3, title=4, rest=2, summary=4),
    ),
    Stage(
        share=0.25,
        queries=6,
        header=HeaderDetail.SHORT,
        other_facts=2,
        titles=10,
        wishes=10,
        words=24,
        extent=Extent(query=5, title=5, rest=4, summary=8),
    ),
    Stage(share=0.3, queries=4, header=HeaderDetail.FULL, other_facts=None, wishes=8, words=16),
)
"""Occupations and single words first, then single wishes, then several, then whole items: some 4,500 tokens a step."""

CURRICULUM_OF_BODIES = (
    Stage(share=1.0, queries=3, header=HeaderDetail.FULL, other_facts=None, wishes=6, words=8, bodies=2),
)
"""For a ranker that knows items: whole bodies beside items as before, so that it forgets none; 12,000 tokens a step."""


def reduced(
    rng: Random, query: GeneratedQuery, posting: GeneratedPosting, stage: Stage
) -> tuple[GeneratedQuery, GeneratedPosting]:
    """Query and posting that say no more than the stage shows, so that the grade follows from what can be read.

    Of the header a title tells the seniority and nothing else that can be wished.
    """
    asked = {wish.kind for wish in query.constraints}
    others = [fact for fact in posting.facts if fact.kind not in asked]
    extra = rng.sample(others, min(len(others), rng.randint(0, stage.other_facts or 0)))
    facts = tuple(fact for fact in posting.facts if fact.kind in asked or fact in extra)
    shown = {"seniority"} if stage.header is HeaderDetail.TITLE else posting.header_kinds
    values = {kind: stated for kind, stated in posting.values.items() if kind in shown}
    for fact in facts:
        values[fact.kind] = values.get(fact.kind, frozenset()) | {fact.value}
    return query, replace(posting, facts=facts, values=values)


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
        _answer(query, posting, {kind: posting.values.get(kind, frozenset()) for kind in posting.header_kinds})
    )
    answers += [_answer(query, posting, {fact.kind: frozenset({fact.value})}) for fact in told]
    return answers


def ends_of_facts(posting: GeneratedPosting) -> list[int]:
    """Where the phrase of each fact ends in the body: offsets of the characters behind them, in the facts' order."""
    ends = []
    for fact in posting.facts:
        start = posting.body.index(fact.sentence)
        ends.append(posting.body.index(fact.phrase, start) + len(fact.phrase))
    return ends


def _answer(query: GeneratedQuery, posting: GeneratedPosting, values: dict[str, frozenset[str]]) -> int:
    part = replace(posting, values=values)
    shares = [constraint_share(wish, part) for wish in query.constraints if values.get(wish.kind)]
    return round(MAX_GRADE * sum(shares) / len(shares)) if shares else MAX_GRADE // 2


@dataclass(frozen=True, slots=True)
class Pair:
    """A query-item pair to learn from.

    Attributes:
        example: The whole prompt.
        grade: What is right at its end.
        soft_label: Probability of `` yes`` at its end, where a teacher gave one; otherwise that of the grade is taught.
        marks: Positions inside the item and the answers that are right there. Serving never asks there; in training
            each phrase so gets an answer of its own, and matching wishes to phrases is learnt from fewer pairs.
    """

    example: Example
    grade: int
    marks: tuple[tuple[int, int], ...] = ()
    soft_label: float | None = None


class RankerData:
    """Draws the pairs of each step, from the step number alone."""

    def __init__(
        self,
        judged: Sequence[JudgedQuery],
        tokenizer: TextTokenizer,
        prompt: RankerPrompt,
        header_limit: int,
        seed: int,
        lessons: Lessons | None = None,
    ) -> None:
        self._judged = judged
        self._lessons = lessons
        self._tokenizer = tokenizer
        self._prompt = prompt
        self._header_limit = header_limit
        self._seed = seed
        self._headers: dict[tuple[str, HeaderDetail], str] = {}
        self._title_end, self._header_end, self._fact_end = (tokenizer.encode(text)[-1] for text in (" |", "\n", ";"))

    def of_step(self, step: int, stage: Stage) -> list[Pair]:
        """All candidates of the step's queries, and lessons; after the last query it begins again in another order."""
        rng = Random(f"{self._seed}/ranker/{step}")
        pairs: list[Pair] = []
        for place, judged in enumerate(self._next(step, stage.queries + stage.bodies)):
            prefix = self._prompt.query_ids(normalise_query(judged.query.text))
            for posting, true_grade in zip(judged.candidates, judged.grades, strict=True):
                if place < stage.queries:
                    pairs.append(self._pair(rng, stage, judged.query, prefix, posting, true_grade))
                else:
                    pairs.append(self._whole(judged.query, prefix, posting, true_grade))
        if self._lessons is not None:
            pairs += [self._lesson(self._lessons.about_occupation(rng)) for _ in range(stage.titles)]
            others = stage.other_facts or 0
            pairs += [self._lesson(self._lessons.about_wish(rng, others)) for _ in range(stage.wishes)]
        pairs += [self._in_words(self._unknown_words.draw(rng, stage.extent)) for _ in range(stage.words)]
        return pairs

    @cached_property
    def _unknown_words(self) -> UnknownWords:
        return UnknownWords(self._tokenizer.pieces())

    def _in_words(self, lesson: WordLesson) -> Pair:
        """The share of the query's words that have come is the answer: after the title, the header, the item."""
        prefix = self._prompt.query_ids(normalise_query(lesson.query))
        item = self._prompt.item_ids(lesson.header, lesson.summary)
        grades = [round(MAX_GRADE * share) for share in lesson.shares]
        least, most = SOFT_LABELS[0], SOFT_LABELS[-1]
        soft_label = least + (most - least) * lesson.shares[-1]
        return Pair(Example([*prefix, *item]), grades[-1], self._marks(item, len(prefix), grades[:2]), soft_label)

    def _lesson(self, lesson: Lesson) -> Pair:
        """A lesson about the header shows the short one, any other the title; only its own question is answered."""
        query, posting = lesson.query, lesson.posting
        header = self.header(posting, HeaderDetail.SHORT if lesson.is_about_header else HeaderDetail.TITLE)
        prefix = self._prompt.query_ids(normalise_query(query.text))
        item = self._prompt.item_ids(header, "; ".join(fact.phrase for fact in posting.facts))
        marks = self._marks(item, len(prefix), answers_on_the_way(query, posting, posting.facts))
        if query.constraints:  # a query for a wish may leave the occupation out
            return Pair(Example([*prefix, *item]), _answer(query, posting, posting.values), marks[1:])
        return Pair(Example([*prefix, *item]), grade(query, posting), marks[:1])

    def _pair(
        self,
        rng: Random,
        stage: Stage,
        query: GeneratedQuery,
        prefix: Sequence[int],
        posting: GeneratedPosting,
        true_grade: int,
    ) -> Pair:
        header = self.header(posting, stage.header)
        if stage.other_facts is not None:
            query, posting = reduced(rng, query, posting, stage)
            told, true_grade = posting.facts, grade(query, posting)
        elif rng.random() < _LEAD_SHARE:
            lead = self._prompt.item_ids(header, self._prompt.extract(posting.body))
            return Pair(Example([*prefix, *lead]), true_grade)
        else:
            told = imperfectly_told(rng, posting.facts)
        item = self._prompt.item_ids(header, "; ".join(fact.phrase for fact in told))
        marks = self._marks(item, len(prefix), answers_on_the_way(query, posting, told))
        return Pair(Example([*prefix, *item]), true_grade, marks)

    def _whole(self, query: GeneratedQuery, prefix: Sequence[int], posting: GeneratedPosting, true_grade: int) -> Pair:
        """The item as its whole body, with an answer at the end of each fact that the prompt's limit leaves in."""
        item = self._prompt.whole_item_ids(self.header(posting), posting.body)
        header_end = item.index(self._header_end)
        ends = [item.index(self._title_end), header_end]
        ends += [header_end + self._tokenizer.count(posting.body[:end]) for end in ends_of_facts(posting)]
        answers = answers_on_the_way(query, posting, posting.facts)
        marks = ((len(prefix) + at, known) for at, known in zip(ends, answers, strict=True) if at < len(item) - 1)
        return Pair(Example([*prefix, *item]), true_grade, tuple(marks))

    def _marks(self, item: Sequence[int], offset: int, grades: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Where the title, the header and each fact but the last end. The last is followed by the question itself."""
        header_end = item.index(self._header_end)
        places = [header_end]
        if self._title_end in item[:header_end]:
            places = [item.index(self._title_end), header_end]
        else:  # the header is a title: it answers for the occupation
            grades = [grades[0], *grades[2:]]
        places += [at for at, token in enumerate(item) if token == self._fact_end and at > header_end]
        return tuple((offset + place, known) for place, known in zip(places, grades, strict=False))

    def header(self, posting: GeneratedPosting, detail: HeaderDetail = HeaderDetail.FULL) -> str:
        """The header line of a posting."""
        key = (posting.job_id, detail)
        known = self._headers.get(key)
        if known is None:
            facts = read_posting(posting.posting).facts
            if detail is not HeaderDetail.FULL:
                facts = replace(facts, organisation="", requirements=(), date_posted="", skills=())
            if detail is HeaderDetail.TITLE:
                facts = replace(facts, places=(), is_remote=False, employment_types=(), requirements=(), pay="")
            known = render_header(facts, self._tokenizer.count, self._header_limit)
            self._headers[key] = known
        return known

    def _next(self, step: int, queries: int) -> list[JudgedQuery]:
        if not queries:
            return []
        per_pass = max(1, len(self._judged) // queries)
        turn, place = divmod(step, per_pass)
        order = list(range(len(self._judged)))
        Random(f"{self._seed}/turn/{turn}").shuffle(order)
        return [self._judged[index] for index in order[place * queries : (place + 1) * queries]]
