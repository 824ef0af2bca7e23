"""What an encoder learns from: items to encode, what a perfect summary would tell of them, and queries about them.

Short items come first: the sentences of a few facts among a few others, and a query for one wish, which one of the
facts decides. Whole bodies follow, each with several of the queries that the posting is a candidate of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from models.prompts import RankerPrompt, normalise_query, sentences
from models.training.corpora import Corpus
from models.training.data import GeneratedPosting, GeneratedQuery
from models.training.embedding_tokens.places import Source
from models.training.lessons import Lessons
from models.training.ranker_curriculum import HeaderDetail
from models.training.ranker_data import RankerData

__all__ = ["CURRICULA", "Material", "Materials", "Stage"]


@dataclass(frozen=True, slots=True)
class Material:
    """An item and what is asked about it.

    Attributes:
        read: What the encoder reads: header and body, or summary, as the ranker would, without the mark at the end.
        item: What the ranker reads beside the vectors: the header, and an empty summary.
        told: What the teacher reads: the header, and all facts of the body as a perfect summary tells them.
        words: Different tokens of that summary.
        asked: Ids of queries, each with the grade of the pair; None where only the teacher's answer is taught.
    """

    read: Sequence[int]
    item: Sequence[int]
    told: Sequence[int]
    words: Sequence[int]
    asked: Sequence[tuple[Sequence[int], int | None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training.

    Attributes:
        share: Fraction of all steps.
        lessons: Short items a step, with one query each.
        other_facts: Most facts of a short item beside the one that decides.
        other_sentences: Most sentences of a short item that tell no fact.
        bodies: Whole items a step.
        queries: Most queries a whole item.
    """

    share: float
    lessons: int = 0
    other_facts: int = 0
    other_sentences: int = 0
    bodies: int = 0
    queries: int = 0


CURRICULA = {
    Source.BODY: (
        Stage(share=0.1, lessons=32, other_facts=1, other_sentences=1),
        Stage(share=0.2, lessons=24, other_facts=5, other_sentences=6),
        Stage(share=0.7, lessons=4, other_facts=7, other_sentences=12, bodies=5, queries=4),
    ),
    Source.SUMMARY: (
        Stage(share=0.15, lessons=32, other_facts=1),
        Stage(share=0.2, lessons=24, other_facts=5),
        Stage(share=0.65, bodies=12, queries=3),
    ),
}
"""To say one fact in vectors, then several, then to find them: some 3,500 tokens a step."""


class Materials:
    """Draws the items of each step, from the step number alone."""

    def __init__(
        self, corpus: Corpus, prompt: RankerPrompt, data: RankerData, seed: int, source: Source = Source.BODY
    ) -> None:
        self._source = source
        self._postings = corpus.postings
        self._by_id = {posting.job_id: posting for posting in corpus.postings}
        self._prompt = prompt
        self._data = data
        self._lessons = Lessons(corpus.postings)
        self._seed = seed
        self._asked: dict[str, list[tuple[GeneratedQuery, int]]] = {}
        for entry in corpus.judged:
            for posting, grade in zip(entry.candidates, entry.grades, strict=True):
                self._asked.setdefault(posting.job_id, []).append((entry.query, grade))

    def of_step(self, step: int, stage: Stage) -> list[Material]:
        """The items of one step, short ones first."""
        rng = Random(f"{self._seed}/embeddings/{step}")
        short = [self._lesson(rng, stage) for _ in range(stage.lessons)]
        return short + self.whole(rng, rng.sample(self._postings, stage.bodies), stage.queries)

    def whole(self, rng: Random, postings: Sequence[GeneratedPosting], queries: int) -> list[Material]:
        """Whole items, each with at most so many of the queries that it is a candidate of."""
        return [
            self._material(
                self._data.header(posting), posting.body, posting.summary, list(self._queries(rng, posting, queries))
            )
            for posting in postings
        ]

    def _lesson(self, rng: Random, stage: Stage) -> Material:
        lesson = self._lessons.about_wish(rng, stage.other_facts)
        posting = lesson.posting
        header = self._data.header(posting, HeaderDetail.SHORT if lesson.is_about_header else HeaderDetail.TITLE)
        others = _telling_nothing(self._by_id[posting.job_id])
        text = [fact.sentence for fact in posting.facts]
        text += rng.sample(others, min(len(others), rng.randint(0, stage.other_sentences)))
        rng.shuffle(text)
        return self._material(header, " ".join(text), posting.summary, [(lesson.query, None)])

    def _queries(self, rng: Random, posting: GeneratedPosting, most: int) -> Iterator[tuple[GeneratedQuery, int]]:
        """Queries for the occupation, whose grades the body decides, and one for another, which it must not change."""
        known = self._asked.get(posting.job_id, [])
        asked = rng.sample(known, len(known))
        same = [pair for pair in asked if pair[0].occupation == posting.occupation]
        others = [pair for pair in asked if pair[0].occupation != posting.occupation]
        yield from others[:1]
        yield from same[: most - 1]

    def _material(
        self, header: str, text: str, summary: str, asked: Sequence[tuple[GeneratedQuery, int | None]]
    ) -> Material:
        item, told = self._prompt.item_ids(header, ""), self._prompt.item_ids(header, summary)
        return Material(
            read=self._prompt.whole_item_ids(header, text if self._source is Source.BODY else summary)[:-1],
            item=item,
            told=told,
            words=sorted(set(told[len(item) - 1 : -1])),
            asked=[(self._prompt.query_ids(normalise_query(query.text)), grade) for query, grade in asked],
        )


def _telling_nothing(posting: GeneratedPosting) -> list[str]:
    """The sentences of the body that hold no fact."""
    phrases = [fact.phrase for fact in posting.facts]
    return [each for each in sentences(posting.body) if not any(phrase in each for phrase in phrases)]
