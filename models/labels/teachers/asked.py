"""What a query asks for beside the occupation, as far as typed facts of a posting can answer it. Pure.

Words only: who writes "graveyard nights" or "h1b" asks for what stands in no typed field, and nothing is read of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.labels.teachers.pay import Pay, read_asked_pay
from models.labels.teachers.phrases import first_in, spaced
from models.labels.teachers.places import Gazetteer

__all__ = ["EMPLOYMENT", "LEVELS", "Asked", "Word", "level_in", "read_query"]

_NOT_REMOTE = (
    *("not remote", "no remote", "non remote", "on site", "onsite", "in office", "office based", "no wfh"),
    *("no work from home", "no home office", "not from home"),
)
_REMOTE = (
    *("remote", "remotely", "work from home", "working from home", "wfh", "home based", "from home", "home office"),
    *("telework", "telecommute", "telecommuting", "work at home"),
)
EMPLOYMENT: Mapping[str, tuple[str, ...]] = {
    "part time": ("part time", "parttime", "pt"),
    "full time": ("full time", "fulltime", "ft"),
    "contractor": ("contract", "contractor", "freelance", "freelancer"),
    "temporary": ("temporary", "temp"),
    "intern": ("internship", "intern"),
    "volunteer": ("volunteer", "volunteering"),
    "per diem": ("per diem",),
}
"""Kinds of employment as ``Facts.employment_types`` has them, and what people write."""

LEVELS: Mapping[str, tuple[str, ...]] = {
    "director": ("director", "vp", "vice president"),
    "lead": ("lead", "head", "team leader", "team manager", "supervisor", "supervisory", "supervising", "in charge"),
    "senior": ("senior", "sr", "principal", "experienced"),
    "junior": (
        *("junior", "jr", "entry level", "trainee", "graduate", "apprentice", "beginner", "starter", "intern"),
        "internship",
    ),
}
"""Levels from the top; a title that names two ("senior team leader") has the higher one."""


@dataclass(frozen=True, slots=True)
class Word:
    """A value that is asked for, and the phrase that asks for it."""

    value: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was read of a query; None or empty where it asks nothing of the kind.

    Attributes:
        words: All words, as of :func:`phrases.spaced`.
        remote: ``yes`` or ``no``.
        employment: A key of :data:`EMPLOYMENT`.
        level: A key of :data:`LEVELS`.
        pay: The least.
        places: Names, of one level.
    """

    words: str
    remote: Word | None
    employment: Word | None
    level: Word | None
    pay: Pay | None
    places: frozenset[str]


def read_query(query: str, known: Gazetteer) -> Asked:
    """Read a query."""
    words = spaced(query)
    return Asked(
        words=words,
        remote=_remote(words),
        employment=_first(words, EMPLOYMENT),
        level=level_in(words),
        pay=read_asked_pay(query),
        places=known.asked(query),
    )


def level_in(words: str) -> Word | None:
    """The level that words name, those of a query or of a title."""
    return _first(words, LEVELS)


def _remote(words: str) -> Word | None:
    if phrase := first_in(words, _NOT_REMOTE):
        return Word("no", phrase)
    phrase = first_in(words, _REMOTE)
    return Word("yes", phrase) if phrase else None


def _first(words: str, table: Mapping[str, tuple[str, ...]]) -> Word | None:
    found = ((value, first_in(words, phrases)) for value, phrases in table.items())
    return next((Word(value, phrase) for value, phrase in found if phrase), None)
