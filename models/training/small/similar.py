"""How far two embedding models hold a wording and a title for the same occupation: soft labels where no rule has one.

The sum of both cosines, each made comparable by mean and deviation, is mapped to a probability by isotonic regression
on O*NET's titles, whose grades are known. Of taxonomies the teachers read titles alone, some milliseconds each. Ads are
read whole, a quarter of a second each; cosines with them are made comparable among themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from models.training.soft_labels import SOFT_LABELS
from models.training.teachers.encoder import Encoder
from models.training.teachers.pooling import Floats

__all__ = ["Likeness", "likeness_of"]

_LEAST_DEVIATION = 1e-6
_NEAREST = ((0.4, 12), (0.7, 200))
"""Up to which share of the draws, and from how many of the nearest; the rest are any."""
_DRAWN_OF_A_QUERY = 10
_MOST_PASSAGES = 4
"""Of an ad, of 512 tokens each: as in the report that the ranker is compared in."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Probabilities that wordings and titles mean the same occupation.

    Attributes:
        queries: Q wordings, as typed.
        titles: T titles.
        same_QT: Float32, from 0 to 1.
    """

    queries: Sequence[str]
    titles: Sequence[str]
    same_QT: Floats

    def nearby(self, rng: Random, query: int) -> int:
        """A title for a query: one of the nearest, one of those further around, or any; as an index."""
        return _nearby(rng, self.same_QT[query])

    def asked_nearby(self, rng: Random, title: int) -> int:
        """A query for a title, likewise."""
        return _nearby(rng, self.same_QT[:, title])


def likeness_of(
    queries: Sequence[str],
    titles: Sequence[str],
    grade: Callable[[str, str], int],
    num_graded: int,
    encoders: Sequence[Encoder],
    bodies: Sequence[str] = (),
) -> Likeness:
    """Ask the teachers about every query and title.

    Args:
        queries: Wordings.
        titles: Of ads or of a taxonomy.
        grade: Of a query and one of the first ``num_graded`` titles; on these the map is fitted, drawn as
            :meth:`Likeness.nearby` draws, for how likely a cosine means the same depends on what else was drawn.
        num_graded: How many titles have known grades.
        encoders: The teachers.
        bodies: Of the last titles, which are those of ads. A title may say little of the work, which the body tells.
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 (a second)

    num_alone = len(titles) - len(bodies)
    sum_QT = np.zeros((len(queries), len(titles)), dtype=np.float32)
    for encoder in encoders:
        queries_QD = np.stack([encoder.query(text) for text in queries])
        alone_TD = np.stack([encoder.passages(text, "", 1)[0] for text in titles[:num_alone]])
        parts = [_standardised(queries_QD @ alone_TD.T)]
        if bodies:
            ads = zip(titles[num_alone:], bodies, strict=True)
            ads_AD = np.stack([encoder.passages(*ad, _MOST_PASSAGES).mean(axis=0) for ad in ads])
            parts.append(_standardised(queries_QD @ ads_AD.T))
        sum_QT += np.concatenate(parts, axis=1)
    rng, graded = Random(len(queries)), Likeness(queries, titles, sum_QT[:, :num_graded])
    drawn = [(query, graded.nearby(rng, query)) for query in range(len(queries)) for _ in range(_DRAWN_OF_A_QUERY)]
    none, most = SOFT_LABELS[0], SOFT_LABELS[-1]
    taught_N = [(SOFT_LABELS[grade(queries[query], titles[title])] - none) / (most - none) for query, title in drawn]
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    fitted.fit([sum_QT[place] for place in drawn], taught_N)
    same_QT = fitted.predict(sum_QT.ravel()).reshape(sum_QT.shape).astype(np.float32)
    # The map is flat in places; the order within them is kept, for the nearest are looked for.
    return Likeness(queries, titles, same_QT + np.float32(_LEAST_DEVIATION) * sum_QT)


def _standardised(cosines_QT: Floats) -> Floats:
    return (cosines_QT - cosines_QT.mean()) / max(_LEAST_DEVIATION, cosines_QT.std())


def _nearby(rng: Random, same_N: Floats) -> int:
    drawn = rng.random()
    nearest = next((most for share, most in _NEAREST if drawn < share), len(same_N))
    if nearest >= len(same_N):
        return rng.randrange(len(same_N))
    return int(rng.choice(np.argpartition(-same_N, nearest)[:nearest]))
