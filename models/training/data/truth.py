"""What is true of a generated posting or query, kept beside its text."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["BODY_KINDS", "HEADER_KINDS", "Constraint", "Fact", "GeneratedPosting", "GeneratedQuery", "Split"]

HEADER_KINDS = frozenset({"place", "remote", "part_time", "senior"})
"""Kinds of fact that stand in the header line."""

BODY_KINDS = frozenset(
    {
        "shift",
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


class Split(StrEnum):
    """Which part of the catalogue may be used: evaluation also draws on templates that training never sees."""

    TRAIN = "train"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of a posting.

    Attributes:
        kind: One of :data:`BODY_KINDS`.
        value: Canonical value, as in the catalogue.
        phrase: The words for it, verbatim in the body.
        sentence: The sentence or list item around the phrase, verbatim in the body.
    """

    kind: str
    value: str
    phrase: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a searcher asks beside the occupation: a kind of :data:`HEADER_KINDS` or :data:`BODY_KINDS` and a value."""

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
        values: Canonical values by kind; header kinds always have one, body kinds only where the posting says so.
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


@dataclass(frozen=True, slots=True)
class GeneratedQuery:
    """A query as typed, and what it means.

    Attributes:
        text: What was typed.
        occupation: Key of the occupation meant.
        family: Its family.
        constraints: One to three wishes.
    """

    text: str
    occupation: str
    family: str
    constraints: tuple[Constraint, ...]
