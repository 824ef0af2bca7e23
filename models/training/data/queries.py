"""Queries as people type them, with what they mean."""

from random import Random
from zlib import crc32

from models.training.data.catalogue import Catalogue, Occupation
from models.training.data.truth import BODY_KINDS, Constraint, GeneratedPosting, GeneratedQuery, Split

__all__ = ["belongs_to", "draw_query"]

_TYPED_HEADER = {
    "remote": ("remote", "work from home", "wfh", "home based"),
    "part_time": ("part time", "part-time"),
    "senior": ("senior", "lead"),
}
_FRAMES = (
    "{occupation} {wishes}",
    "{occupation} {wishes}",
    "{wishes} {occupation}",
    "{first} {occupation} {rest}",
    "{occupation} jobs {wishes}",
    "{occupation} job {wishes}",
    "looking for {occupation} {wishes}",
    "{occupation}, {wishes}",
)
_NUMBER_OF_WISHES = (1, 2, 2, 2, 3)
_HEADER_SHARE = 0.25
_TYPO_SHARE = 0.04
_HELD_OUT_ONE_IN = 5


def belongs_to(occupation: str, wishes: tuple[Constraint, ...]) -> Split:
    """The split that owns a meaning: one combination of occupation and wishes in five is never asked in training."""
    meaning = "|".join([occupation, *sorted(f"{wish.kind}={wish.value}" for wish in wishes)])
    return Split.EVALUATION if crc32(meaning.encode()) % _HELD_OUT_ONE_IN == 0 else Split.TRAIN


def draw_query(rng: Random, catalogue: Catalogue, target: GeneratedPosting, split: Split) -> GeneratedQuery | None:
    """Draw a query that the target answers in full, or nothing where the drawn meaning belongs to the other split.

    Three wishes in four are answered by the body of a posting only.
    """
    occupation = next(entry for entry in catalogue.occupations if entry.key == target.occupation)
    wishes = _draw_wishes(rng, catalogue, occupation, target)
    if not wishes or belongs_to(occupation.key, wishes) is not split:
        return None
    typed = [_typed(rng, catalogue, occupation, wish) for wish in wishes]
    frame = rng.choice(_FRAMES)
    text = frame.format(
        occupation=rng.choice(occupation.typed), wishes=" ".join(typed), first=typed[0], rest=" ".join(typed[1:])
    )
    text = " ".join(text.lower().split())
    if rng.random() < _TYPO_SHARE:
        text = _with_typo(rng, text)
    return GeneratedQuery(text=text, occupation=occupation.key, family=occupation.family, constraints=wishes)


def _draw_wishes(
    rng: Random, catalogue: Catalogue, occupation: Occupation, target: GeneratedPosting
) -> tuple[Constraint, ...]:
    header = [Constraint("place", city) for city in target.values["place"]]
    header += [Constraint(kind, "yes") for kind in _TYPED_HEADER if "yes" in target.values[kind]]
    body = [
        Constraint(kind, value)
        for kind in sorted(BODY_KINDS & target.values.keys())
        for value in sorted(target.values[kind])
        if _typed_forms(catalogue, occupation, Constraint(kind, value))
    ]
    wishes: dict[str, Constraint] = {}
    for _ in range(rng.choice(_NUMBER_OF_WISHES)):
        options = header if rng.random() < _HEADER_SHARE else body
        free = [wish for wish in options if wish.kind not in wishes]
        if free:
            wish = rng.choice(free)
            wishes[wish.kind] = wish
    return tuple(wishes.values())


def _typed_forms(catalogue: Catalogue, occupation: Occupation, wish: Constraint) -> tuple[str, ...]:
    if wish.kind == "place":
        return (wish.value, f"in {wish.value}", f"near {wish.value}")
    if wish.kind in _TYPED_HEADER:
        return _TYPED_HEADER[wish.kind]
    if wish.kind in {"skill", "cert"}:
        named = occupation.skills if wish.kind == "skill" else occupation.certs
        return next((entry.typed, entry.phrase) for entry in named if entry.phrase == wish.value)
    return catalogue.facts[wish.kind].values[wish.value].typed


def _typed(rng: Random, catalogue: Catalogue, occupation: Occupation, wish: Constraint) -> str:
    return rng.choice(_typed_forms(catalogue, occupation, wish))


def _with_typo(rng: Random, text: str) -> str:
    """Two neighbouring letters swapped."""
    places = [at for at in range(len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
