"""Lessons of the teachers: titles that O*NET does not grade, and real ads whose occupation nobody states.

Whether wording and title mean one occupation is what the embedding models say (:mod:`similar`); whether an ad answers
the wishes beside it is what the rules say. The label is taught between the two grades that remain possible:

    yes = p * soft label(same occupation, wishes) + (1 - p) * soft label(another occupation)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from models.training.judged.ads import Ad, own_wording, typed_query
from models.training.judged.grades import Kinship, grade_of
from models.training.judged.wishes import draw_wishes, share_of
from models.training.small.lessons import TitleLessons
from models.training.small.occupations import OccupationWorld
from models.training.small.similar import Likeness, likeness_of
from models.training.soft_labels import SOFT_LABELS
from models.training.teachers.encoder import Encoder

__all__ = ["TaughtAd", "TaughtTitle", "TeacherLessons", "teacher_lessons"]

_OWN_TITLE_SHARE = 0.35
"""Of the queries: that an ad is of its own title's occupation needs no teacher."""
_OWN_WISHES_SHARE, _NUMBER_OF_WISHES = 0.6, (0, 1, 1, 2)
_QUERIES, _TITLES, _LABELS = 3000, 4000, 2000
"""How much the teachers are asked about: five milliseconds each and teacher."""


@dataclass(frozen=True, slots=True)
class TaughtTitle:
    """A query, a title, and the probability of `` yes``."""

    query: str
    title: str
    yes: float


@dataclass(frozen=True, slots=True)
class TaughtAd:
    """A query, a real ad, and the probability of `` yes``."""

    query: str
    ad: Ad
    yes: float


class TeacherLessons:
    """Draws them."""

    def __init__(self, likeness: Likeness, ads: Sequence[Ad]) -> None:
        """Take what the teachers say.

        Args:
            likeness: Of wordings and titles; its last titles are those of the ads, in their order.
            ads: Real ones.
        """
        self._likeness = likeness
        self._ads = ads

    def title(self, rng: Random) -> TaughtTitle:
        """A wording and a title."""
        likeness = self._likeness
        query = rng.randrange(len(likeness.queries))
        title = likeness.nearby(rng, query)
        yes = _between(float(likeness.same_QT[query, title]), [])
        return TaughtTitle(likeness.queries[query], likeness.titles[title], yes)

    def ad(self, rng: Random) -> TaughtAd:
        """A wording, some wishes, and a real ad."""
        likeness, at = self._likeness, rng.randrange(len(self._ads))
        ad, title = self._ads[at], len(likeness.titles) - len(self._ads) + at
        source = ad if rng.random() < _OWN_WISHES_SHARE else rng.choice(self._ads)
        wishes = draw_wishes(rng, source.stated, _NUMBER_OF_WISHES)
        if rng.random() < _OWN_TITLE_SHARE:
            wording, same = own_wording(likeness.titles[title]), 1.0
        else:
            query = likeness.asked_nearby(rng, title)
            wording, same = likeness.queries[query], float(likeness.same_QT[query, title])
        yes = _between(same, [share_of(wish, ad.stated) for wish, _ in wishes])
        return TaughtAd(typed_query(wording, [typed for _, typed in wishes]), ad, yes)


def teacher_lessons(
    world: OccupationWorld, lessons: TitleLessons, encoders: Sequence[Encoder], seed: int
) -> TeacherLessons:
    """Ask the teachers about wordings and titles of the world; the same arguments, the same lessons.

    Args:
        world: Nothing of it is held out.
        lessons: Where the wordings come from, and the grades that the teachers' cosines are mapped by.
        encoders: The teachers.
        seed: Of what is asked about.
    """
    rng = Random(f"{seed}/teachers")
    queries = rng.sample(lessons.queries, min(_QUERIES, len(lessons.queries)))
    titles = rng.sample(lessons.titles, min(_TITLES, len(lessons.titles)))
    num_graded = len(titles)
    titles += rng.sample(world.other_esco, min(_LABELS, len(world.other_esco)))
    titles += [ad.item.facts.title for ad in world.real]
    bodies = [ad.item.body for ad in world.real]
    return TeacherLessons(likeness_of(queries, titles, lessons.grade, num_graded, encoders, bodies), world.real)


def _between(same: float, shares: Sequence[Fraction]) -> float:
    """The label between the two grades: see the module. ``shares`` are those of the wishes."""
    probability = min(1.0, max(0.0, same))
    found, other = (SOFT_LABELS[grade_of(kinship, shares)] for kinship in (Kinship.SAME, Kinship.NONE))
    return probability * found + (1 - probability) * other
