"""What a tiny ranker learns in which order: short lessons about one thing first, whole items last, then bodies."""

from dataclasses import dataclass, replace
from enum import StrEnum

from models.training.unknown_words import WHOLE_ITEM, Extent

__all__ = ["CURRICULUM", "CURRICULUM_OF_BODIES", "HeaderDetail", "Stage"]


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
        renamed: Of these the share whose occupation has a name that nobody knows.
        header: How much of the header is shown.
        other_facts: Most facts shown that the query does not ask about; None for all facts, imperfectly told.
        language_weight: Weight of next-token loss on relevant pairs, beside 1 for the answer.
        titles: Lessons about occupations a step, beside the pairs of the queries.
        wishes: Lessons about single wishes a step.
        words: Lessons in unknown words a step.
        extent: Their length.
        bodies: Queries a step whose candidates are read as bodies instead.
        sentences: Most sentences of a body, around a fact; None for whole bodies: some 700 tokens a pair.
    """

    share: float
    queries: int
    header: HeaderDetail
    other_facts: int | None
    renamed: float = 0.0
    language_weight: float = 0.0
    titles: int = 0
    wishes: int = 0
    words: int = 0
    extent: Extent = WHOLE_ITEM
    bodies: int = 0
    sentences: int | None = None


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
        renamed=0.25,
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
        renamed=0.25,
        titles=10,
        wishes=10,
        words=24,
        extent=Extent(query=5, title=5, rest=4, summary=8),
    ),
    Stage(share=0.3, queries=5, header=HeaderDetail.FULL, other_facts=None, renamed=0.25, wishes=8, words=16),
)
"""Occupations and single words first, then single wishes, several, whole items: 3,300 to 4,800 tokens a step."""

_WHOLE_BODIES = Stage(
    share=0.25, queries=2, header=HeaderDetail.FULL, other_facts=None, renamed=0.25, words=16, bodies=2
)

CURRICULUM_OF_BODIES = (
    replace(_WHOLE_BODIES, share=0.3, bodies=6, sentences=2),
    replace(_WHOLE_BODIES, share=0.25, bodies=4, sentences=6),
    replace(_WHOLE_BODIES, share=0.2, bodies=3, sentences=20),
    _WHOLE_BODIES,
)
"""For a ranker that knows items: facts in sentences, in paragraphs, in whole bodies, and items as before beside them,
so that it forgets none; 5,000 to 12,000 tokens a step."""
