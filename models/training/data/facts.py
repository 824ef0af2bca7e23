"""Drawing the body facts of a posting and wording them."""

from collections.abc import Mapping
from random import Random

from models.training.data.catalogue import Catalogue, Named, Occupation, permitted
from models.training.data.truth import Fact, Split

__all__ = ["draw_facts"]

# How often a posting says something of the kind; about seven facts a posting.
_SHARE_OF_POSTINGS = {
    "shift": 0.75,
    "schedule": 0.4,
    "cert": 0.65,
    "skill": 0.9,
    "visa": 0.5,
    "experience": 0.8,
    "contract": 0.7,
    "degree": 0.4,
    "travel": 0.35,
    "start": 0.35,
    "perk": 0.45,
    "team": 0.3,
}
_SECOND_SKILL_SHARE = 0.4
_MAX_FACTS = 9
_BULLET_SHARE = 0.45
# Nobody works Saturdays and Sundays only, from Monday to Friday.
_IMPOSSIBLE = {("schedule", "weekdays", "shift", "weekends")}


def draw_facts(
    rng: Random, catalogue: Catalogue, occupation: Occupation, split: Split, wanted: Mapping[str, str] | None = None
) -> list[Fact]:
    """Draw and word the body facts of one posting.

    Args:
        rng: Source of all choices.
        catalogue: What can be said.
        occupation: Whose skills and certificates are used.
        split: Which sentence templates may be used.
        wanted: Values that must be among the facts, by kind.

    Returns:
        At most nine facts, in no particular order, each with a sentence of its own.
    """
    wanted = dict(wanted or {})
    chosen = dict(wanted)
    kinds = [kind for kind, share in _SHARE_OF_POSTINGS.items() if kind not in chosen and rng.random() < share]
    rng.shuffle(kinds)
    for kind in kinds[: max(0, _MAX_FACTS - len(chosen))]:
        value = _draw_value(rng, catalogue, occupation, kind)
        if not _contradicts(kind, value, chosen):
            chosen[kind] = value
    facts = [_word(rng, catalogue, split, kind, value) for kind, value in chosen.items()]
    if "skill" in chosen and len(facts) < _MAX_FACTS and rng.random() < _SECOND_SKILL_SHARE:
        other = rng.choice([skill.phrase for skill in occupation.skills if skill.phrase != chosen["skill"]])
        facts.append(_word(rng, catalogue, split, "skill", other))
    rng.shuffle(facts)
    return facts


def _contradicts(kind: str, value: str, chosen: Mapping[str, str]) -> bool:
    pairs = ((kind, value, other, chosen[other]) for other in chosen)
    return any(pair in _IMPOSSIBLE or (*pair[2:], *pair[:2]) in _IMPOSSIBLE for pair in pairs)


def _draw_value(rng: Random, catalogue: Catalogue, occupation: Occupation, kind: str) -> str:
    if kind in {"skill", "cert"}:
        return rng.choice(_named(occupation, kind)).phrase
    return rng.choice(list(catalogue.facts[kind].values))


def _named(occupation: Occupation, kind: str) -> tuple[Named, ...]:
    return occupation.skills if kind == "skill" else occupation.certs


def _word(rng: Random, catalogue: Catalogue, split: Split, kind: str, value: str) -> Fact:
    entry = catalogue.facts[kind]
    if kind in {"skill", "cert"}:
        phrase = rng.choice(entry.phrases).replace("{s}", value)
    else:
        phrase = rng.choice(entry.values[value].phrases)
    templates = entry.bullets if rng.random() < _BULLET_SHARE else entry.frames
    sentence = rng.choice(permitted(templates, split)).replace("{p}", phrase)
    return Fact(kind=kind, value=value, phrase=phrase, sentence=sentence)
