"""Fitting a map on gold grades.

1. Weights: non-negative least squares of grade / 4 on what teachers and rules found (Lawson and Hanson, Solving least
   squares problems, 1974), with a constant. 2. f: isotonic regression of grade / 4 on x, its blocks joined by straight
   lines. All parts are those of :mod:`models.labels.teachers.mapping`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from models.labels.agreement import PairKey
from models.labels.judgement import MAX_GRADE
from models.labels.teachers.mapping import Over, Scale, TeacherMap
from models.labels.teachers.rules import Verdict
from models.prompts import normalise_query
from models.training.teachers.labelling import TeacherLabel
from schemas.errors import InvalidInput

__all__ = ["PARTS", "Graded", "fit_map", "graded"]

_DIGITS_KEPT = 6
_LEAST_GAP = 1e-5

PARTS: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "e5-small-v2": (("e5-small-v2",), False),
    "bge-small-en-v1.5": (("bge-small-en-v1.5",), False),
    "rules": ((), True),
    "both teachers": (("e5-small-v2", "bge-small-en-v1.5"), False),
    "ensemble": (("e5-small-v2", "bge-small-en-v1.5"), True),
}
"""What can be fitted: its teachers, and whether the rules have a say."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A label with the gold grade of its pair, 0 to 4."""

    label: TeacherLabel
    grade: int


def graded(labels: Sequence[TeacherLabel], gold: Mapping[PairKey, int]) -> list[Graded]:
    """The labels that gold has, in their order.

    Raises:
        InvalidInput: There is none.
    """
    keys = [(normalise_query(label.query), label.job_id) for label in labels]
    found = [Graded(label, gold[key]) for label, key in zip(labels, keys, strict=True) if key in gold]
    if not found:
        raise InvalidInput(
            f"labels and gold have no query and job in common ({len(labels):,} labels, {len(gold):,} gold grades)"
        )
    return found


def fit_map(
    pairs: Sequence[Graded], part: str, over: Over = Over.MEAN, fitted_on: Mapping[str, JsonValue] | None = None
) -> TeacherMap:
    """The map of one of :data:`PARTS`.

    Args:
        pairs: N of them.
        part: Which.
        over: Of the map.
        fitted_on: For the map's own record.
    """
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415 (a second)

    teachers, with_rules = PARTS[part]
    cosines_NK = np.array([[over(pair.label.cosines[name]) for name in teachers] for pair in pairs]).reshape(
        len(pairs), -1
    )
    means_K, stds_K = cosines_NK.mean(axis=0), np.maximum(cosines_NK.std(axis=0), _LEAST_GAP)
    rules_N2 = np.array([_counts(pair) for pair in pairs], dtype=float) * with_rules
    grades_N = np.array([pair.grade for pair in pairs]) / MAX_GRADE
    # No weight is negative; the constant may be, and is left to f.
    regression = LinearRegression(positive=True)
    weights = regression.fit(np.hstack([(cosines_NK - means_K) / stds_K, rules_N2]), grades_N).coef_
    scales = {
        name: Scale(mean=_kept(means_K[at]), std=_kept(stds_K[at]), weight=_kept(weights[at]))
        for at, name in enumerate(teachers)
    }
    met, denied = (_kept(weight) for weight in weights[len(teachers) : len(teachers) + 2])
    plain = TeacherMap(
        format="precis.teacher-map/1",
        over=over,
        teachers=scales,
        met=met,
        denied=denied,
        knots=[[0, 0]],
        fitted_on=dict(fitted_on or {}),
    )
    scores_N = [plain.score(pair.label.cosines, pair.label.findings()) for pair in pairs]
    return plain.model_copy(update={"knots": _knots(scores_N, grades_N.tolist())})


def _counts(pair: Graded) -> tuple[int, int]:
    verdicts = [finding.verdict for finding in pair.label.findings()]
    return verdicts.count(Verdict.MET), -verdicts.count(Verdict.DENIED)


def _knots(scores: Sequence[float], grades: Sequence[float]) -> list[list[float]]:
    """Isotonic regression as knots: the mean x and the mean grade of each of its blocks."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 (a second)

    order = np.argsort(scores, kind="stable")
    x_N, grades_N = np.asarray(scores)[order], np.asarray(grades)[order]
    fitted_N = IsotonicRegression(y_min=0, y_max=1).fit_transform(x_N, grades_N)
    knots: list[list[float]] = []
    for value in np.unique(fitted_N):
        x = _kept(x_N[fitted_N == value].mean())
        if not knots or x - knots[-1][0] > _LEAST_GAP:
            knots.append([x, _kept(value)])
    return knots


def _kept(value: float) -> float:
    return round(float(value), _DIGITS_KEPT)
