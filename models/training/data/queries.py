"""Queries as people type them, with what they mean."""

import re
from dataclasses import dataclass
from random import Random
from zlib import crc32

from models.training.data.catalogue import Catalogue, Occupation, permitted
from models.training.data.noise import with_typo
from models.training.data.truth import BODY_KINDS, SLICES, Constraint, Fact, GeneratedPosting, GeneratedQuery, Split

__all__ = ["belongs_to", "body_wishes", "draw_query", "header_wishes", "lowered_pay", "share_words", "typed_wish"]

_NUMBER_OF_WISHES = (1, 2, 2, 3)
_HEADER_SHARE = 0.35
_TYPO_SHARE = 0.08
_HELD_OUT_ONE_IN = 5
_NAME_IN_FULL_SHARE = 0.25
_PAY_BELOW = 6
"""Thousands that a searcher may ask less than the target pays."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Wish:
    """A wish as it was typed, in which wording (empty: by a name), and what the target says of it."""

    constraint: Constraint
    typed: str
    wording: str
    answer: str


def belongs_to(occupation: str, wishes: tuple[Constraint, ...]) -> Split:
    """The split that owns a meaning: one combination of occupation and wishes in five is never asked in training."""
    meaning = "|".join([occupation, *sorted(f"{wish.kind}={wish.value}" for wish in wishes)])
    return Split.EVALUATION if crc32(meaning.encode()) % _HELD_OUT_ONE_IN == 0 else Split.TRAIN


def share_words(one: str, other: str) -> bool:
    """Whether the two texts have a word in common, capitals aside: whether BM25 could match them."""
    return not set(_WORD.findall(one.casefold())).isdisjoint(_WORD.findall(other.casefold()))


def draw_query(rng: Random, catalogue: Catalogue, target: GeneratedPosting, split: Split) -> GeneratedQuery | None:
    """Draw a query that the target answers in full, or nothing where the drawn meaning belongs to the other split.

    Two wishes in three are answered by the body of a posting only. The test has wordings and frames of its own; what it
    asks of occupations that training knows is a combination that training never asks.
    """
    occupation = catalogue.occupation(target.occupation)
    drawn = _draw_wishes(rng, catalogue, occupation, target)
    wishes = tuple(wish for wish, _ in drawn)
    if not wishes or (not occupation.is_held_out and belongs_to(occupation.key, wishes) is not split):
        return None
    asked = [
        _Wish(wish, *typed_wish(rng, catalogue, occupation, wish, split), answer or _header_words(target))
        for wish, answer in drawn
    ]
    typed = [wish.typed for wish in asked]
    frame, called = rng.choice(permitted(catalogue.query_frames, split)), rng.choice(occupation.typed.of(split))
    text = frame.format(
        occupation=called,
        wishes=" ".join(typed),
        first=typed[0],
        rest=" ".join(typed[1:]),
    )
    text = " ".join(text.lower().split())
    has_typo = rng.random() < _TYPO_SHARE
    return GeneratedQuery(
        text=with_typo(rng, text) if has_typo else text,
        occupation=occupation.key,
        family=occupation.family,
        constraints=wishes,
        slices=_slices(catalogue, occupation, asked, has_typo=has_typo),
        wordings=(frame, called, *(wish.wording for wish in asked if wish.wording)),
    )


def _draw_wishes(
    rng: Random, catalogue: Catalogue, occupation: Occupation, target: GeneratedPosting
) -> list[tuple[Constraint, str]]:
    """Wishes of different kinds, each with the phrase of the body that answers it, empty where the header does."""
    header = [(wish, "") for wish in header_wishes(catalogue, occupation, target)]
    body = [(wish, fact.phrase) for wish, fact in body_wishes(catalogue, target)]
    chosen: dict[str, tuple[Constraint, str]] = {}
    for _ in range(rng.choice(_NUMBER_OF_WISHES)):
        options = header if rng.random() < _HEADER_SHARE else body
        free = [option for option in options if option[0].kind not in chosen]
        if free:
            wish, answer = rng.choice(free)
            chosen[wish.kind] = (lowered_pay(rng, wish), answer)
    return list(chosen.values())


def body_wishes(catalogue: Catalogue, posting: GeneratedPosting) -> list[tuple[Constraint, Fact]]:
    """All that can be wished of the body of a posting, each with the fact that answers."""
    return [
        (Constraint(fact.kind, fact.value), fact)
        for fact in posting.facts
        if fact.kind == "pay" or _can_be_typed(catalogue, fact.kind, fact.value)
    ]


def lowered_pay(rng: Random, wish: Constraint) -> Constraint:
    """What a searcher asks who would take a little less than the posting pays; other wishes stay as they are."""
    if wish.kind != "pay":
        return wish
    return Constraint("pay", str(int(wish.value) - rng.randrange(_PAY_BELOW)))


def header_wishes(catalogue: Catalogue, occupation: Occupation, target: GeneratedPosting) -> list[Constraint]:
    """All that can be wished of the header of a posting, and of its pay where the header tells it."""
    city = target.posting["jobLocation"]["address"]["addressLocality"]
    called = [value for value in sorted(target.values["place"]) if value in catalogue.place_words]
    wishes = [Constraint("place", city), *(Constraint("place", value) for value in called)]
    for kind in ("remote", "part_time", "seniority", "pay"):
        wishes += [Constraint(kind, value) for value in target.values.get(kind, ()) if kind in target.header_kinds]
    return [
        wish
        for wish in wishes
        if wish.kind in {"place", "pay"} or _can_be_typed(catalogue, wish.kind, wish.value)
        # Nobody asks for a ward nurse who is not remote.
        if wish.kind != "remote" or wish.value == "yes" or occupation.family in {"software", "data", "office"}
    ]


def _can_be_typed(catalogue: Catalogue, kind: str, value: str) -> bool:
    return kind in {"skill", "cert"} or bool(catalogue.facts[kind].values[value].typed.train)


def typed_wish(
    rng: Random, catalogue: Catalogue, occupation: Occupation, wish: Constraint, split: Split
) -> tuple[str, str]:
    """What is typed for the wish, and the wording behind it (empty: a name)."""
    entry = catalogue.facts[wish.kind]
    if wish.kind in {"skill", "cert"}:
        named = next(one for one in (*occupation.skills, *occupation.certs) if one.phrase == wish.value)
        return (named.phrase if rng.random() < _NAME_IN_FULL_SHARE else named.typed), ""
    if wish.kind in {"pay", "place"}:
        called = catalogue.place_words.get(wish.value, wish.value)
        name = wish.value if len(wish.value) > 2 and rng.random() < 0.5 else called  # noqa: PLR2004 (a code; a fair coin)
        wording = rng.choice(entry.typed.of(split))
        return wording.format(k=wish.value, x=name), wording
    wording = rng.choice(entry.values[wish.value].typed.of(split))
    return wording, wording


def _header_words(posting: GeneratedPosting) -> str:
    document = posting.posting
    address = document["jobLocation"]["address"]
    remote = "remote" if "yes" in posting.values["remote"] else ""
    kind = document["employmentType"].replace("_", " ")
    return " ".join((document["title"], *map(str, address.values()), remote, kind))


def _slices(catalogue: Catalogue, occupation: Occupation, asked: list[_Wish], *, has_typo: bool) -> tuple[str, ...]:
    kinds = {wish.constraint.kind for wish in asked}
    shares = [share_words(wish.typed, wish.answer) for wish in asked]
    has = {
        "synonym": not all(shares),
        "verbatim": all(shares),
        "negation": any(_is_negative(catalogue, wish.constraint) for wish in asked),
        "place": "place" in kinds,
        "seniority": "seniority" in kinds,
        "pay": "pay" in kinds,
        "header": kinds.isdisjoint(BODY_KINDS | {"pay"}),
        "body": kinds <= BODY_KINDS,
        "typo": has_typo,
        "unseen_occupation": occupation.is_held_out,
    }
    return tuple(name for name in SLICES if has[name])


def _is_negative(catalogue: Catalogue, wish: Constraint) -> bool:
    """Whether the wish says "no ...", or has an opposite that says so in nearly the same words."""
    values = catalogue.facts[wish.kind].values
    return wish.value in values and (values[wish.value].is_negative or (wish.kind, wish.value) == ("visa", "yes"))
