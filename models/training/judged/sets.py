"""What a judged set is: items, and queries with graded candidates among them. The same form for generated and real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.posting import Facts

__all__ = ["Item", "JudgedSet", "Ranking"]


@dataclass(frozen=True, slots=True)
class Item:
    """What can be ranked.

    Attributes:
        key: Its identity in the set.
        facts: What its header is made of.
        body: Plain text that a summary is made of; empty where there is none.
        target: The summary that the truth asks for; None where no truth is known, as with real ads.
    """

    key: str
    facts: Facts
    body: str = ""
    target: str | None = None

    def words(self) -> str:
        """All of its text, for lexical ranking: the facts of the header, then the body."""
        facts = self.facts
        parts = (
            facts.title,
            facts.organisation,
            *facts.places,
            "remote" if facts.is_remote else "",
            *facts.employment_types,
            *facts.requirements,
            facts.pay,
            *facts.skills,
            self.body,
        )
        return " ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Ranking:
    """A query and its judged candidates.

    Attributes:
        query: As typed.
        keys: Items to rank, in random order: equal scores keep it.
        grades: Relevance of each, 0 to 4; at least one is positive.
        slices: Kinds of match that the query asks for, such as ``place`` or ``wording: O*NET alternate title``.
    """

    query: str
    keys: tuple[str, ...]
    grades: tuple[int, ...]
    slices: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(self.keys) != len(self.grades) or not any(self.grades):
            message = f"query {self.query!r}: one grade a candidate is needed, one of them positive"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Items and rankings.

    Attributes:
        name: Short, for keys of the report.
        title: For people.
        is_real: Whether the items were written outside this repository.
    """

    name: str
    title: str
    items: Mapping[str, Item]
    rankings: Sequence[Ranking]
    is_real: bool
