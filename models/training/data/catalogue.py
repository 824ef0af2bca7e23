"""The catalogue that postings and queries are made of, read from the TOML files beside this module."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from models.training.data.truth import Split

__all__ = ["Catalogue", "FactKind", "FactValue", "Named", "Occupation", "Place", "load_catalogue", "permitted"]

_HELD_OUT_EVERY = 4


@dataclass(frozen=True, slots=True)
class Named:
    """A skill or certificate: how employers and how searchers write it."""

    phrase: str
    typed: str


@dataclass(frozen=True, slots=True)
class Occupation:
    """An occupation; field meanings stand at the top of ``occupations.toml``."""

    key: str
    family: str
    titles: tuple[str, ...]
    typed: tuple[str, ...]
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

    phrases: tuple[str, ...]
    typed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactKind:
    """A kind of fact: sentences and list items with ``{p}`` for the phrase, and its values.

    Kinds ``skill`` and ``cert`` have no values of their own: the occupation's stand in place of ``{s}`` in ``phrases``.
    """

    frames: tuple[str, ...]
    bullets: tuple[str, ...]
    phrases: tuple[str, ...]
    values: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that can be said."""

    occupations: tuple[Occupation, ...]
    sectors: Mapping[str, str]
    places: tuple[Place, ...]
    organisation_roots: tuple[str, ...]
    organisation_kinds: Mapping[str, tuple[str, ...]]
    facts: Mapping[str, FactKind]
    boilerplate: Mapping[str, tuple[str, ...]]

    def roots(self, split: Split) -> tuple[str, ...]:
        """Roots of organisation names; the two splits share none."""
        cut = len(self.organisation_roots) * (_HELD_OUT_EVERY - 1) // _HELD_OUT_EVERY
        return self.organisation_roots[:cut] if split is Split.TRAIN else self.organisation_roots[cut:]


def permitted(templates: Sequence[str], split: Split) -> list[str]:
    """Templates of a list that the split may use: every fourth one is unknown to training."""
    if split is Split.EVALUATION:
        return list(templates)
    return [text for place, text in enumerate(templates) if place % _HELD_OUT_EVERY != _HELD_OUT_EVERY - 1]


def _named(entry: str) -> Named:
    phrase, typed = entry.split("|")
    return Named(phrase, typed)


def _occupation(key: str, entry: Mapping[str, Any], family_duties: Sequence[str]) -> Occupation:
    return Occupation(
        key=key,
        family=entry["family"],
        titles=tuple(entry["titles"]),
        typed=tuple(entry["typed"]),
        skills=tuple(map(_named, entry["skills"])),
        certs=tuple(map(_named, entry["certs"])),
        duties=(*entry["duties"], *family_duties),
        pay=(entry["pay"][0], entry["pay"][1]),
    )


def _fact_kind(entry: Mapping[str, Any]) -> FactKind:
    values = {
        name: FactValue(tuple(value["phrases"]), tuple(value["typed"]))
        for name, value in entry.get("values", {}).items()
    }
    return FactKind(tuple(entry["frames"]), tuple(entry["bullets"]), tuple(entry.get("phrases", ())), values)


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue, once a process."""

    def read(name: str) -> dict[str, Any]:
        return tomllib.loads(files("models.training.data").joinpath(name).read_text(encoding="utf-8"))

    jobs, places = read("occupations.toml"), read("places.toml")
    return Catalogue(
        occupations=tuple(
            _occupation(key, entry, jobs["family"][entry["family"]]["duties"])
            for key, entry in jobs["occupation"].items()
        ),
        sectors={name: family["sector"] for name, family in jobs["family"].items()},
        places=tuple(Place(*entry.split("|")) for entry in places["places"]),
        organisation_roots=tuple(places["roots"]),
        organisation_kinds={family: tuple(kinds) for family, kinds in places["kinds"].items()},
        facts={kind: _fact_kind(entry) for kind, entry in read("facts.toml").items()},
        boilerplate={name: tuple(texts) for name, texts in read("boilerplate.toml").items()},
    )
