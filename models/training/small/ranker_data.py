"""Pairs for the small ranker: ads in O*NET's words, titles alone, real ads, and the generator's world beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, TextTokenizer, extractive_summary, normalise_query, render_header, sentences
from models.training.data import MAX_GRADE
from models.training.examples import Example
from models.training.judged import Item, Ranking
from models.training.ranker_curriculum import HeaderDetail, Stage
from models.training.ranker_data import Pair, RankerData
from models.training.small.lessons import TitleLesson, TitleLessons
from models.training.small.occupations import OccupationWorld
from models.training.small.real import TaughtAd, TaughtTitle, TeacherLessons
from models.training.small.summaries import Summaries

__all__ = ["Mix", "SmallRankerData", "Sources"]

_QUOTAS = ((range(2, MAX_GRADE + 1), 3), (range(1, 2), 2), (range(1), 3))
"""Candidates of a query by grade; where a kind has too few the others fill up."""
_NOTHING_SHARE, _LEAD_SHARE = 0.35, 0.4
_WRITTEN_SHARE = 0.5
"""Of the ads that the summarizer read."""
_SHORTEST_TEXT = 16
"""Tokens."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What a step holds.

    Attributes:
        queries: Queries over ads in O*NET's words, eight pairs each.
        titles: Pairs of a wording and a title.
        generated: Queries of the generator's world, eight pairs each.
        taught_titles: Pairs of a wording and a title that the teachers label.
        taught_ads: Pairs of a query and a real ad that teachers and rules label.
    """

    queries: int = 3
    titles: int = 40
    generated: int = 2
    taught_titles: int = 24
    taught_ads: int = 48


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pairs come from.

    Attributes:
        world: Ads in O*NET's words.
        lessons: Its titles.
        taught: What the teachers say of titles and real ads; None without teachers.
        generated: The generator's world.
        summaries: By the summarizer that stands before this ranker; None without it.
    """

    world: OccupationWorld
    lessons: TitleLessons
    taught: TeacherLessons | None
    generated: RankerData
    summaries: Summaries | None = None


class SmallRankerData:
    """Draws the pairs of each step, from the step number alone."""

    def __init__(
        self,
        sources: Sources,
        tokenizer: TextTokenizer,
        prompt: RankerPrompt,
        limits: PromptLimits,
        mix: Mix,
        seed: int,
    ) -> None:
        self._world, self._lessons = sources.world, sources.lessons
        self._taught, self._generated = sources.taught, sources.generated
        self._summaries = sources.summaries
        self._count = tokenizer.count
        self._prompt = prompt
        self._limits = limits
        self._mix = mix
        self._seed = seed

    def of_step(self, step: int) -> list[Pair]:
        """All pairs of a step."""
        rng = Random(f"{self._seed}/small/{step}")
        pairs = [pair for ranking in self._next(step) for pair in self._pairs(rng, ranking)]
        pairs += [self._lesson(self._lessons.draw(rng)) for _ in range(self._mix.titles)]
        if self._taught is not None:
            pairs += [self._taught_title(self._taught.title(rng)) for _ in range(self._mix.taught_titles)]
            pairs += [self._taught_ad(rng, self._taught.ad(rng)) for _ in range(self._mix.taught_ads)]
        stage = Stage(share=1.0, queries=self._mix.generated, header=HeaderDetail.FULL, other_facts=None)
        return [*pairs, *self._generated.of_step(step, stage)]

    def item_ids(self, item: Item, text: str) -> list[int]:
        """Ids of an item with a text below its header."""
        return self._prompt.item_ids(render_header(item.facts, self._count, self._limits.header), text)

    def lead_ids(self, item: Item) -> list[int]:
        """Ids of an item read with its first sentences."""
        return self.item_ids(item, self._prompt.extract(item.body))

    def _next(self, step: int) -> list[Ranking]:
        """The step's queries; after the last one it begins again in another order."""
        rankings, count = self._world.rankings, self._mix.queries
        turn, place = divmod(step * count, len(rankings) // count * count)
        order = list(range(len(rankings)))
        Random(f"{self._seed}/turn/{turn}").shuffle(order)
        return [rankings[at] for at in order[place : place + count]]

    def _pairs(self, rng: Random, ranking: Ranking) -> list[Pair]:
        prefix = self._prompt.query_ids(normalise_query(ranking.query))
        pairs = []
        for at in chosen_candidates(rng, ranking.grades):
            item = self._world.ads[ranking.keys[at]].item
            ids = self.item_ids(item, self._text(rng, item.body))
            pairs.append(Pair(Example([*prefix, *ids]), ranking.grades[at]))
        return pairs

    def _text(self, rng: Random, body: str) -> str:
        """What stands below the header: the summary, nothing, the first sentences, or some of them."""
        written = None if self._summaries is None else self._summaries.of(body)
        if written is not None and rng.random() < _WRITTEN_SHARE:
            return written
        drawn, limit = rng.random(), rng.randint(_SHORTEST_TEXT, self._limits.summary)
        if drawn < _NOTHING_SHARE or not body:
            return ""
        if drawn >= _NOTHING_SHARE + _LEAD_SHARE:
            told = sentences(body)
            body = "\n".join(told[at] for at in sorted(rng.sample(range(len(told)), rng.randint(1, len(told)))))
        return extractive_summary(body, self._count, limit)

    def _lesson(self, lesson: TitleLesson) -> Pair:
        return Pair(self._titled(lesson.query, lesson.title), lesson.grade)

    def _taught_title(self, lesson: TaughtTitle) -> Pair:
        return Pair(self._titled(lesson.query, lesson.title), 0, soft_label=lesson.yes)

    def _taught_ad(self, rng: Random, lesson: TaughtAd) -> Pair:
        prefix = self._prompt.query_ids(normalise_query(lesson.query))
        ids = self.item_ids(lesson.ad.item, self._text(rng, lesson.ad.item.body))
        return Pair(Example([*prefix, *ids]), 0, soft_label=lesson.yes)

    def _titled(self, query: str, title: str) -> Example:
        return Example([*self._prompt.query_ids(normalise_query(query)), *self._prompt.item_ids(title, "")])


def chosen_candidates(rng: Random, grades: Sequence[int]) -> list[int]:
    """Eight of a query's candidates, by quotas of their grades."""
    order = rng.sample(range(len(grades)), len(grades))
    wanted = sum(quota for _, quota in _QUOTAS)
    chosen = [at for kinds, quota in _QUOTAS for at in [at for at in order if grades[at] in kinds][:quota]]
    return [*chosen, *(at for at in order if at not in chosen)][:wanted]
