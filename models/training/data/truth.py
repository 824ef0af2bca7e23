"""What is true of a generated posting or query, kept beside its text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = [
    "BODY_KINDS",
    "HEADER_KINDS",
    "SLICES",
    "Constraint",
    "Fact",
    "GeneratedPosting",
    "GeneratedQuery",
    "Split",
    "values_with",
]

HEADER_KINDS = frozenset({"place", "remote", "part_time", "seniority"})
"""Kinds of fact that stand in the header line: every posting has a value of each. Pay stands in header or body."""

BODY_KINDS = frozenset(
    {
        "shift",
        "weekend",
        "oncall",
        "schedule",
        "cert",
        "skill",
        "visa",
        "experience",
        "contract",
        "degree",
        "travel",
        "start",
        "perk",
        "team",
    }
)
"""Kinds of fact that stand in the body and nowhere else."""

SLICES = (
    "synonym",
    "verbatim",
    "negation",
    "place",
    "seniority",
    "pay",
    "header",
    "body",
    "typo",
    "unseen_occupation",
)
"""Kinds of match that results are sliced by. A query belongs to each that fits it.

``synonym``: a wish shares no word with what the target says of it; ``verbatim``: each wish shares one. ``negation``: a
wish says "no ..." or is answered by one. ``place``, ``seniority``, ``pay``: a wish of that kind. ``header``, ``body``:
where the target answers all wishes. ``typo``: letters are swapped. ``unseen_occupation``: training never saw it.
"""


class Split(StrEnum):
    """Whose wordings and templates are used: training's or the test's. The two share none."""

    TRAIN = "train"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of a posting.

    Attributes:
        kind: One of :data:`BODY_KINDS`, or ``pay``.
        value: Canonical value, as in the catalogue; of pay the highest, in thousands.
        phrase: The words for it, verbatim in the body.
        sentence: The sentence or list item around the phrase, verbatim in the body.
    """

    kind: str
    value: str
    phrase: str
    sentence: str

    def start_in(self, body: str) -> int:
        """Where the phrase begins in the body: offset of its first character."""
        return body.index(self.sentence) + self.sentence.index(self.phrase)


def values_with(values: Mapping[str, frozenset[str]], facts: Iterable[Fact]) -> dict[str, frozenset[str]]:
    """Values by kind, and what the facts state besides."""
    stated = dict(values)
    for fact in facts:
        stated[fact.kind] = stated.get(fact.kind, frozenset()) | {fact.value}
    return stated


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a searcher asks beside the occupation: a kind of fact and the value wanted."""

    kind: str
    value: str

    @property
    def in_body(self) -> bool:
        """Whether the answer stands only in the body of a posting."""
        return self.kind in BODY_KINDS


@dataclass(frozen=True, slots=True)
class GeneratedPosting:
    """A posting and the truth about it.

    Attributes:
        job_id: Identity, also in the posting's ``identifier``.
        posting: schema.org JobPosting.
        body: Plain text of its body, as the system reads it.
        occupation: Key in the catalogue.
        family: Family of the occupation.
        values: Canonical values by kind; header kinds always have one (place: city, region, country), others only where
            the posting says so.
        facts: Body facts in document order.
    """

    job_id: str
    posting: dict[str, Any]
    body: str
    occupation: str
    family: str
    values: dict[str, frozenset[str]]
    facts: tuple[Fact, ...]

    @property
    def summary(self) -> str:
        """The extractive target: the phrases of the body facts, verbatim, in document order."""
        return "; ".join(fact.phrase for fact in self.facts)

    @property
    def header_kinds(self) -> frozenset[str]:
        """Kinds that the header tells: :data:`HEADER_KINDS`, and pay where the body does not tell it."""
        told = any(fact.kind == "pay" for fact in self.facts)
        return HEADER_KINDS if told or "pay" not in self.values else HEADER_KINDS | {"pay"}


@dataclass(frozen=True, slots=True)
class GeneratedQuery:
    """A query as typed, and what it means.

    Attributes:
        text: What was typed.
        occupation: Key of the occupation meant.
        family: Its family.
        constraints: One to three wishes.
        slices: Kinds of match, of :data:`SLICES`, in their order.
        wordings: What it was written with: its frame, the words for the occupation and for each wish. Names of places,
            skills and certificates and sums of money are no wordings: both splits have the same.
    """

    text: str
    occupation: str
    family: str
    constraints: tuple[Constraint, ...]
    slices: tuple[str, ...] = ()
    wordings: tuple[str, ...] = ()
