"""Composing the sections of an ad: facts scattered among boilerplate and lexical traps, in one of several styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from models.training.data.catalogue import Catalogue, Occupation, Style, permitted
from models.training.data.layout import Section
from models.training.data.noise import with_typo
from models.training.data.truth import Fact, Split

__all__ = ["Ad", "compose"]

_NEEDS_KINDS = frozenset({"cert", "skill", "experience", "degree"})
_STRAY_SHARE = 0.12
"""Share of facts that stand where nobody expects them, in the introduction."""
_TYPO_SHARE = 0.03
"""Share of sentences with a typing mistake. Facts have none: their phrases are what summaries are checked by."""


@dataclass(slots=True)
class Ad:
    """The sections of one ad by their purpose, and the order that its style gives them."""

    about: Section
    introduction: Section
    duties: Section
    needs: Section
    terms: Section
    benefits: Section
    order: tuple[str, ...]
    closing: list[Section] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Writer:
    rng: Random
    catalogue: Catalogue
    split: Split
    style: Style
    occupation: Occupation
    fill: Mapping[str, str]
    scale: float

    def pick(self, name: str, most: int) -> list[str]:
        """Up to ``most`` (scaled) different texts of a list, in random order, their blanks filled."""
        texts = permitted(self.style.texts.get(name) or self.catalogue.boilerplate[name], self.split)
        count = min(len(texts), max(1, round(most * self.scale)))
        return [self.filled(text) for text in self.rng.sample(texts, count)]

    def filled(self, text: str) -> str:
        other = self.rng.choice([o for o in self.catalogue.known(self.split) if o.key != self.occupation.key])
        blanks = {
            "n": str(self.rng.randint(3, 97)),
            "year": str(self.rng.randint(1901, 2015)),
            "year2": str(self.rng.randint(2030, 2045)),
            "year3": str(self.rng.randint(2016, 2025)),
            "other": self.rng.choice(other.titles.of(self.split)),
            "word": self.rng.choice(other.typed.of(self.split)),
        }
        line = text.format_map({**self.fill, **blanks})
        return with_typo(self.rng, line) if self.rng.random() < _TYPO_SHARE else line

    def heading(self, name: str) -> str:
        return self.rng.choice(permitted(self.style.texts[name], self.split))

    def section(self, heading: str, facts: Sequence[Fact], others: Sequence[str]) -> Section:
        """Sentences in random order; what looks like ``Label: value`` goes to the list below them."""
        lines = [*(fact.sentence for fact in facts), *others]
        self.rng.shuffle(lines)
        return Section(
            heading,
            sentences=tuple(line for line in lines if line.endswith((".", "?"))),
            items=tuple(line for line in lines if not line.endswith((".", "?"))),
        )


def compose(
    rng: Random,
    catalogue: Catalogue,
    occupation: Occupation,
    split: Split,
    style: Style,
    facts: Sequence[Fact],
    fill: Mapping[str, str],
) -> Ad:
    """Write the ad.

    Args:
        rng: Source of all choices.
        catalogue: Boilerplate.
        occupation: Whose duties are listed.
        split: Which templates are used.
        style: How the ad is written.
        facts: Facts to place, each once.
        fill: ``org``, ``city``, ``sector``, ``title`` for the blanks of the templates.
    """
    # Real ads differ in length by a factor of four; the longest here have about 900 tokens.
    writer = _Writer(rng, catalogue, split, style, occupation, fill, scale=rng.triangular(0.3, 1.9, 0.8))
    stray = [fact for fact in facts if rng.random() < _STRAY_SHARE]
    needs = [fact for fact in facts if fact not in stray and fact.kind in _NEEDS_KINDS]
    terms = [fact for fact in facts if fact not in stray and fact.kind not in _NEEDS_KINDS]
    duties = [f"You will {duty}." for duty in occupation.duties]
    duties = [duties[0], *rng.sample(duties[1:], min(len(duties) - 1, max(2, round(4 * writer.scale))))]
    return Ad(
        about=Section("", tuple(writer.pick("about", 2) + writer.pick("culture", 3))),
        introduction=writer.section("", stray, writer.pick("mission", 1) + writer.pick("traps", 2)),
        duties=_duties(writer, duties),
        needs=writer.section(writer.heading("headings_needs"), needs, writer.pick("personal", 3)),
        terms=writer.section(
            writer.heading("headings_terms"), terms, writer.pick("distractors", 2) + writer.pick("traps", 2)
        ),
        benefits=Section(writer.heading("benefit_intro"), items=tuple(writer.pick("benefits", 6))),
        order=style.order,
        closing=[
            Section("", tuple(writer.pick(name, most))) for name, most in (("equal", 2), ("checks", 2), ("apply", 1))
        ],
    )


def _duties(writer: _Writer, sentences: Sequence[str]) -> Section:
    heading = writer.heading("headings_role")
    if writer.rng.random() >= writer.style.bullet_share:
        return Section(heading, sentences=tuple(sentences))
    return Section(heading, items=tuple(line.removeprefix("You will ").rstrip(".").capitalize() for line in sentences))
