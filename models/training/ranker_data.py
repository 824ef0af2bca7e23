"""Pairs for the ranker: query, header, the body or a summary such as a summarizer might write, and the grade."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from models.prompts import RankerPrompt, TextTokenizer, normalise_query, render_header
from models.training.data import MAX_GRADE, GeneratedPosting, GeneratedQuery, JudgedQuery, grade
from models.training.examples import Example
from models.training.lessons import Lesson, Lessons
from models.training.ranker_curriculum import HeaderDetail, Stage
from models.training.renamed import renamed
from models.training.shown import answer_of, answers_on_the_way, ends_of_facts, excerpt, imperfectly_told, reduced
from models.training.soft_labels import SOFT_LABELS
from models.training.unknown_words import UnknownWords, WordLesson
from schemas.posting import read_posting

__all__ = ["Pair", "RankerData"]

_LEAD_SHARE = 0.07
"""Of whole items: what stands there where no model could summarise."""


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
        for place, drawn in enumerate(self._next(step, stage.queries + stage.bodies)):
            is_renamed = place < stage.queries and stage.renamed and rng.random() < stage.renamed
            judged = renamed(rng, self._unknown_words, drawn) if is_renamed else drawn
            prefix = self._prompt.query_ids(normalise_query(judged.query.text))
            for posting, true_grade in zip(judged.candidates, judged.grades, strict=True):
                if place < stage.queries:
                    pairs.append(self._pair(rng, stage, judged.query, prefix, posting, true_grade))
                else:
                    pairs.append(self._body(rng, stage, judged.query, prefix, posting))
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
            return Pair(Example([*prefix, *item]), answer_of(query, posting, posting.values), marks[1:])
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
            posting = reduced(rng, query, posting, stage)
            told, true_grade = posting.facts, grade(query, posting)
        elif rng.random() < _LEAD_SHARE:
            lead = self._prompt.item_ids(header, self._prompt.extract(posting.body))
            return Pair(Example([*prefix, *lead]), true_grade)
        else:
            told = imperfectly_told(rng, posting.facts)
        item = self._prompt.item_ids(header, "; ".join(fact.phrase for fact in told))
        marks = self._marks(item, len(prefix), answers_on_the_way(query, posting, told))
        return Pair(Example([*prefix, *item]), true_grade, marks)

    def _body(
        self, rng: Random, stage: Stage, query: GeneratedQuery, prefix: Sequence[int], posting: GeneratedPosting
    ) -> Pair:
        """The item as its body or a part of it, with an answer at the end of each fact that the limit leaves in."""
        header = self.header(posting)
        if stage.sentences is not None:
            posting = excerpt(rng, posting, stage.sentences)
        item = self._prompt.whole_item_ids(header, posting.body)
        header_end = item.index(self._header_end)
        ends = [item.index(self._title_end), header_end]
        ends += [header_end + self._tokenizer.count(posting.body[:end]) for end in ends_of_facts(posting)]
        answers = answers_on_the_way(query, posting, posting.facts)
        marks = ((len(prefix) + at, known) for at, known in zip(ends, answers, strict=True) if at < len(item) - 1)
        return Pair(Example([*prefix, *item]), grade(query, posting), tuple(marks))

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
