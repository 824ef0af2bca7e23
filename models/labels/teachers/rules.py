"""Whether the typed facts of a posting meet or deny what a query asks, each with its reason. Pure.

| kind       | fact                      | met                              | denied                                |
|------------|---------------------------|----------------------------------|---------------------------------------|
| place      | ``places``                | an asked name is among them      | it is elsewhere, and not remote       |
| remote     | ``is_remote``, ``places`` | remote, or not, as asked         | the reverse; a place means not remote |
| employment | ``employment_types``      | among them                       | others are, and not only "other"      |
| level      | words of the title        | the same level                   | another one                           |
| pay        | ``pay``                   | the lowest is enough             | the highest is not                    |
| skill      | ``skills``                | a skill stands in the query      | never                                 |

All else is silent: the posting does not say, its pay begins below and ends above what is asked, the currencies differ,
or the word that seems to ask is a part of the posting's own title ("contract" of a contract specialist). What is in no
typed field (visa, shifts, weekends, degrees, clearances) has no rule: schema.org types none of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from models.labels.teachers.asked import Asked, level_in
from models.labels.teachers.pay import read_stated_pay
from models.labels.teachers.phrases import spaced
from models.labels.teachers.places import names_of
from schemas.posting import Facts

__all__ = ["RULES", "Finding", "Verdict", "findings"]

RULES = "rules/1"
"""Raised with every change of what is found: labels of two versions never share a file."""


class Verdict(StrEnum):
    """What a posting says to a wish."""

    MET = "met"
    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one wish.

    Attributes:
        kind: Of the wish: a row of the table above.
        reason: For people, one line.
    """

    kind: str
    verdict: Verdict
    reason: str


def findings(asked: Asked, facts: Facts) -> tuple[Finding, ...]:
    """One finding for each wish that was read of the query, in the order of the table; none where it asks nothing."""
    rules = (_place, _remote, _employment, _level, _pay, _skill)
    return tuple(finding for rule in rules for finding in rule(asked, facts))


def _place(asked: Asked, facts: Facts) -> Iterator[Finding]:
    if not asked.places:
        return
    wanted, own = " or ".join(sorted(asked.places)), names_of(facts)
    where = "; ".join(facts.places)
    if asked.places & own.keys():
        yield Finding("place", Verdict.MET, f"asked {wanted}, it is in {where}")
    elif facts.is_remote:
        yield Finding("place", Verdict.SILENT, f"asked {wanted}, it is remote")
    elif own:
        yield Finding("place", Verdict.DENIED, f"asked {wanted}, it is in {where}")
    else:
        yield Finding("place", Verdict.SILENT, f"asked {wanted}, it names no place")


def _remote(asked: Asked, facts: Facts) -> Iterator[Finding]:
    if asked.remote is None:
        return
    wanted = f"asked {asked.remote.phrase!r}"
    is_wanted = asked.remote.value == "yes"
    if facts.is_remote:
        yield Finding("remote", Verdict.MET if is_wanted else Verdict.DENIED, f"{wanted}, it is remote")
    elif facts.places:
        yield Finding(
            "remote", Verdict.DENIED if is_wanted else Verdict.MET, f"{wanted}, it has a place and is not remote"
        )
    else:
        yield Finding("remote", Verdict.SILENT, f"{wanted}, it says neither place nor remote")


def _employment(asked: Asked, facts: Facts) -> Iterator[Finding]:
    wish = asked.employment
    if wish is None:
        return
    stated = [kind for kind in facts.employment_types if kind != "other"]
    said = f"asked {wish.phrase!r}, it is {', '.join(stated) or 'of no stated type'}"
    if wish.value in stated:
        yield Finding("employment", Verdict.MET, said)
    elif not stated or f" {wish.phrase} " in spaced(facts.title):
        yield Finding("employment", Verdict.SILENT, said)
    else:
        yield Finding("employment", Verdict.DENIED, said)


def _level(asked: Asked, facts: Facts) -> Iterator[Finding]:
    wish = asked.level
    if wish is None:
        return
    stated = level_in(spaced(facts.title))
    if stated is None:
        yield Finding("level", Verdict.SILENT, f"asked {wish.phrase!r}, the title names no level")
        return
    verdict = Verdict.MET if stated.value == wish.value else Verdict.DENIED
    yield Finding("level", verdict, f"asked {wish.phrase!r} ({wish.value}), the title says {stated.phrase!r}")


def _pay(asked: Asked, facts: Facts) -> Iterator[Finding]:
    if asked.pay is None:
        return
    least, stated = asked.pay, read_stated_pay(facts.pay)
    said = f"asked {least.low:,.0f} a year, it pays {facts.pay or 'nothing that it says'}"
    if stated is None or (least.currency and stated.currency and least.currency != stated.currency):
        yield Finding("pay", Verdict.SILENT, said)
    elif stated.low >= least.low:
        yield Finding("pay", Verdict.MET, said)
    else:
        yield Finding("pay", Verdict.DENIED if stated.high < least.low else Verdict.SILENT, said)


def _skill(asked: Asked, facts: Facts) -> Iterator[Finding]:
    found = [skill for skill in facts.skills if (words := spaced(skill)).strip() and words in asked.words]
    if found:
        yield Finding("skill", Verdict.MET, f"lists {', '.join(found)}")
