"""The catalogue that postings and queries are made of, read from the TOML files beside this module."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from models.training.data.truth import Split

__all__ = [
    "Catalogue",
    "FactKind",
    "FactValue",
    "Named",
    "Occupation",
    "Place",
    "Style",
    "Wordings",
    "load_catalogue",
    "permitted",
]

_HELD_OUT_EVERY = 3
_ROOTS_HELD_OUT_EVERY = 4


@dataclass(frozen=True, slots=True)
class Wordings:
    """Ways to say one thing: those of training and those of the test."""

    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def of(self, split: Split) -> tuple[str, ...]:
        """The wordings that the split may use."""
        return self.train if split is Split.TRAIN else self.test


@dataclass(frozen=True, slots=True)
class Named:
    """A skill or certificate: how employers and how searchers write it. Names are names: both splits use them."""

    phrase: str
    typed: str


@dataclass(frozen=True, slots=True)
class Occupation:
    """An occupation; field meanings stand at the top of ``occupations.toml``."""

    key: str
    family: str
    is_held_out: bool
    titles: Wordings
    typed: Wordings
    skills: tuple[Named, ...]
    certs: tuple[Named, ...]
    duties: tuple[str, ...]
    pay: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A city with its region, ISO country code and currency code."""

    city: str
    region: str
    country: str
    currency: str


@dataclass(frozen=True, slots=True)
class FactValue:
    """A value of a fact: how employers and how searchers write it; ``typed`` is empty where nobody searches for it."""

    phrases: Wordings
    typed: Wordings
    is_negative: bool


@dataclass(frozen=True, slots=True)
class FactKind:
    """A kind of fact: sentences and list items with ``{p}`` for the phrase, and its values.

    Kinds without values of their own (skill, cert, pay, place) have ``phrases`` and ``typed`` with a blank to fill.
    """

    frames: tuple[str, ...]
    bullets: tuple[str, ...]
    phrases: Wordings
    typed: Wordings
    values: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Style:
    """A style of writing ads: share of facts in lists, order of the sections, and its own texts by purpose."""

    bullet_share: float
    order: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that can be said."""

    occupations: tuple[Occupation, ...]
    sectors: Mapping[str, str]
    places: tuple[Place, ...]
    place_words: Mapping[str, str]
    organisation_roots: tuple[str, ...]
    organisation_kinds: Mapping[str, tuple[str, ...]]
    facts: Mapping[str, FactKind]
    query_frames: tuple[str, ...]
    boilerplate: Mapping[str, tuple[str, ...]]
    styles: Mapping[str, Style]
    styles_of_family: Mapping[str, tuple[str, ...]]

    def roots(self, split: Split) -> tuple[str, ...]:
        """Roots of organisation names; the two splits share none."""
        cut = len(self.organisation_roots) * (_ROOTS_HELD_OUT_EVERY - 1) // _ROOTS_HELD_OUT_EVERY
        return self.organisation_roots[:cut] if split is Split.TRAIN else self.organisation_roots[cut:]

    def known(self, split: Split) -> tuple[Occupation, ...]:
        """Occupations that a split may mention: all in the test, in training those that are not held out."""
        return tuple(entry for entry in self.occupations if split is Split.EVALUATION or not entry.is_held_out)

    def occupation(self, key: str) -> Occupation:
        """The occupation of a key."""
        return next(entry for entry in self.occupations if entry.key == key)


def permitted(templates: Sequence[str], split: Split) -> list[str]:
    """Templates of a list that the split may use: every third one is the test's, the others are training's."""
    is_test = split is Split.EVALUATION
    return [text for at, text in enumerate(templates) if (at % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1) is is_test]


def _wordings(entry: Mapping[str, Any], name: str) -> Wordings:
    return Wordings(tuple(entry.get(name, ())), tuple(entry.get(f"test_{name}", ())))


def _named(entry: str) -> Named:
    phrase, typed = entry.split("|")
    return Named(phrase, typed)


def _occupation(key: str, entry: Mapping[str, Any], family_duties: Sequence[str]) -> Occupation:
    return Occupation(
        key=key,
        family=entry["family"],
        is_held_out=entry.get("is_held_out", False),
        titles=_wordings(entry, "titles"),
        typed=_wordings(entry, "typed"),
        skills=tuple(map(_named, entry["skills"])),
        certs=tuple(map(_named, entry["certs"])),
        duties=(*entry["duties"], *family_duties),
        pay=(entry["pay"][0], entry["pay"][1]),
    )


def _fact_kind(entry: Mapping[str, Any]) -> FactKind:
    values = {
        name: FactValue(_wordings(value, "phrases"), _wordings(value, "typed"), value.get("is_negative", False))
        for name, value in entry.get("values", {}).items()
    }
    return FactKind(
        frames=tuple(entry.get("frames", ())),
        bullets=tuple(entry.get("bullets", ())),
        phrases=_wordings(entry, "phrases"),
        typed=_wordings(entry, "typed"),
        values=values,
    )


def _style(entry: Mapping[str, Any]) -> Style:
    texts = {name: tuple(value) for name, value in entry.items() if name not in {"bullet_share", "order"}}
    return Style(entry["bullet_share"], tuple(entry["order"]), texts)


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue, once a process."""

    def read(name: str) -> dict[str, Any]:
        return tomllib.loads(files("models.training.data").joinpath(name).read_text(encoding="utf-8"))

    jobs, places, texts, queries = (
        read(f"{name}.toml") for name in ("occupations", "places", "boilerplate", "queries")
    )
    styles, styles_of_family = texts.pop("style"), texts.pop("styles_of_family")
    query_frames = queries.pop("frames")
    return Catalogue(
        occupations=tuple(
            _occupation(key, entry, jobs["family"][entry["family"]]["duties"])
            for key, entry in jobs["occupation"].items()
        ),
        sectors={name: family["sector"] for name, family in jobs["family"].items()},
        places=tuple(Place(*entry.split("|")) for entry in places["places"]),
        place_words=dict(entry.split("|") for entry in places["typed"]),
        organisation_roots=tuple(places["roots"]),
        organisation_kinds={family: tuple(kinds) for family, kinds in places["kinds"].items()},
        facts={kind: _fact_kind(entry) for kind, entry in (read("facts.toml") | queries).items()},
        query_frames=tuple(query_frames),
        boilerplate={name: tuple(lines) for name, lines in texts.items()},
        styles={name: _style(entry) for name, entry in styles.items()},
        styles_of_family={family: tuple(names) for family, names in styles_of_family.items()},
    )
