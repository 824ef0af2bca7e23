"""Drawing the body facts of a posting and wording them."""

from collections.abc import Mapping
from random import Random

from models.training.data.catalogue import Catalogue, Named, Occupation, permitted
from models.training.data.truth import Fact, Split

__all__ = ["draw_facts", "draw_pay"]

# How often a posting says something of the kind; about seven facts a posting.
_SHARE_OF_POSTINGS = {
    "shift": 0.7,
    "weekend": 0.55,
    "oncall": 0.4,
    "schedule": 0.35,
    "cert": 0.5,
    "skill": 0.8,
    "visa": 0.55,
    "experience": 0.7,
    "contract": 0.65,
    "degree": 0.5,
    "travel": 0.45,
    "start": 0.35,
    "perk": 0.5,
    "team": 0.15,
}
_SECOND_SKILL_SHARE = 0.3
_MAX_FACTS = 9
_THOUSAND = 1000
# Nobody asks a trainee for eight years, or a head of department for none.
_EXPERIENCE_OF = {"junior": ("0", "1"), "regular": ("0", "1", "2", "3", "5"), "senior": ("3", "5", "8")}


def draw_facts(
    rng: Random,
    catalogue: Catalogue,
    occupation: Occupation,
    split: Split,
    bullet_share: float,
    wanted: Mapping[str, str] | None = None,
    *,
    seniority: str = "regular",
    pay: tuple[int, int] | None = None,
) -> list[Fact]:
    """Draw and word the body facts of one posting.

    Args:
        rng: Source of all choices.
        catalogue: What can be said.
        occupation: Whose skills and certificates are used.
        split: Which wordings and sentence templates are used.
        bullet_share: Share of facts written as list items.
        wanted: Values that must be among the facts, by kind.
        seniority: Of the posting, which its experience must fit.
        pay: Lowest and highest yearly pay in thousands, where the body is to tell it.

    Returns:
        At most nine facts, in no particular order, each with a sentence of its own.
    """
    chosen = dict(wanted or {})
    kinds = [kind for kind, share in _SHARE_OF_POSTINGS.items() if kind not in chosen and rng.random() < share]
    rng.shuffle(kinds)
    room = _MAX_FACTS - len(chosen) - (pay is not None)
    for kind in kinds[: max(0, room)]:
        chosen[kind] = _draw_value(rng, catalogue, occupation, kind, seniority)
    meanings = list(chosen.items())
    if "skill" in chosen and len(meanings) < room and rng.random() < _SECOND_SKILL_SHARE:
        meanings.append(("skill", rng.choice([s.phrase for s in occupation.skills if s.phrase != chosen["skill"]])))
    phrased = [(kind, value, _phrase(rng, catalogue, split, kind, value)) for kind, value in meanings]
    if pay is not None:
        phrase = rng.choice(catalogue.facts["pay"].phrases.of(split)).format(low=pay[0], high=pay[1])
        phrased.append(("pay", str(pay[1]), phrase))
    facts = [_sentence(rng, catalogue, split, bullet_share, *meaning) for meaning in phrased]
    rng.shuffle(facts)
    return facts


def draw_pay(rng: Random, occupation: Occupation) -> tuple[int, int]:
    """Lowest and highest yearly pay of a posting, in thousands."""
    low, high = (bound // _THOUSAND for bound in occupation.pay)
    start = rng.randrange(low, high)
    return start, min(high, start + rng.randrange(2, 9))


def _draw_value(rng: Random, catalogue: Catalogue, occupation: Occupation, kind: str, seniority: str) -> str:
    if kind in {"skill", "cert"}:
        return rng.choice(_named(occupation, kind)).phrase
    if kind == "experience":
        return rng.choice(_EXPERIENCE_OF.get(seniority, _EXPERIENCE_OF["senior"]))
    return rng.choice(list(catalogue.facts[kind].values))


def _named(occupation: Occupation, kind: str) -> tuple[Named, ...]:
    return occupation.skills if kind == "skill" else occupation.certs


def _phrase(rng: Random, catalogue: Catalogue, split: Split, kind: str, value: str) -> str:
    entry = catalogue.facts[kind]
    if kind in {"skill", "cert"}:
        return rng.choice(entry.phrases.of(split)).replace("{s}", value)
    return rng.choice(entry.values[value].phrases.of(split))


def _sentence(
    rng: Random, catalogue: Catalogue, split: Split, bullet_share: float, kind: str, value: str, phrase: str
) -> Fact:
    entry = catalogue.facts[kind]
    templates = entry.bullets if rng.random() < bullet_share else entry.frames
    sentence = rng.choice(permitted(templates, split)).replace("{p}", phrase)
    return Fact(kind=kind, value=value, phrase=phrase, sentence=sentence)
