"""The places that postings name, and which of them a query asks for. Pure, but for the table beside it.

``Facts.places`` are lines of ``locality, region, country``, whatever of it is there. What is a place is learnt from the
postings themselves, so a query that names a place where no posting is asks for none that is known.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files

from models.labels.teachers.phrases import spaced
from schemas.posting import Facts

__all__ = ["Gazetteer", "Level", "names_of"]

_CODE_CHARS, _MOST_PARTS = 2, 3
_NOWHERE = frozenset(
    {"anywhere", "remote", "nationwide", "worldwide", "various locations", "multiple locations", "location negotiable"}
)


class Level(IntEnum):
    """How fine a name is; finer ones are larger."""

    COUNTRY = 0
    REGION = 1
    LOCALITY = 2


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Places by name.

    Attributes:
        levels: Name in lower case -> the finest level that some posting has it at.
    """

    levels: Mapping[str, Level]

    @classmethod
    def of(cls, postings: Iterable[Facts]) -> "Gazetteer":
        """All places of these postings."""
        levels: dict[str, Level] = {}
        for facts in postings:
            for name, level in names_of(facts).items():
                levels[name] = max(level, levels.get(name, level))
        return cls(levels)

    def asked(self, query: str) -> frozenset[str]:
        """The names in a query, of the finest level that occurs: of "leeds, uk" only the town."""
        words = spaced(query)
        found = {name: level for name, level in self.levels.items() if f" {name} " in words}
        # "north carolina" holds no "carolina" of its own, nor "new london" a "london"
        found = {
            name: level
            for name, level in found.items()
            if not any(name != other and f" {name} " in f" {other} " for other in found)
        }
        finest = max(found.values(), default=None)
        return frozenset(name for name, level in found.items() if level == finest)


def names_of(facts: Facts) -> dict[str, Level]:
    """All names of the places of a posting, those of codes written out."""
    names: dict[str, Level] = {}
    for place in facts.places:
        for name, level in _of_line([part.strip() for part in place.split(",") if part.strip()]):
            if name not in _NOWHERE and not name.isdigit():
                names[name] = max(level, names.get(name, level))
    return names


def _of_line(parts: list[str]) -> Iterator[tuple[str, Level]]:
    is_coded = bool(parts) and _is_code(parts[-1])
    levels = (_LEVELS_CODED if is_coded else _LEVELS_PLAIN)[min(len(parts), _MOST_PARTS)]
    for part, level in zip(parts, levels, strict=False):
        yield from ((name, level) for name in _names(part, level))
    if is_coded and len(parts) == _MOST_PARTS - 1:  # "Austin, TX"; of "Berlin, DE" it may be either
        yield from ((name, Level.REGION) for name in _tables()["states"].get(parts[-1], ()))


_LEVELS_CODED = ((), (Level.COUNTRY,), (Level.LOCALITY, Level.COUNTRY), (Level.LOCALITY, Level.REGION, Level.COUNTRY))
"""By number of parts, of places that end in a code such as GB."""
_LEVELS_PLAIN = ((), (Level.LOCALITY,), (Level.LOCALITY, Level.REGION), (Level.LOCALITY, Level.REGION, Level.COUNTRY))


def _names(part: str, level: Level) -> tuple[str, ...]:
    table = _tables()["countries" if level == Level.COUNTRY else "states"]
    if _is_code(part):
        return tuple(table.get(part, ()))
    return (name,) if (name := spaced(part).strip()) else ()


def _is_code(part: str) -> bool:
    return len(part) == _CODE_CHARS and part.isupper()


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    text = files("models.labels.teachers").joinpath("places.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return tables
