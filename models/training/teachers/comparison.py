"""What each part of the ensemble is worth alone, against gold grades.

Every part is fitted on four fifths of the queries and measured on the fifth that is left, in turn: the figures are of
pairs that no map has seen. NDCG ranks by x; kappa is of the label's nearest whole grade.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.labels.agreement import grade_of, matrix_of
from models.labels.judgement import MAX_GRADE
from models.labels.kappa import Interval, bootstrap, quadratic
from models.labels.teachers.mapping import Over
from models.prompts import normalise_query
from models.training import significance
from models.training.folds import folds
from models.training.measures import ndcg_at_10_by_query
from models.training.teachers.fitting import PARTS, Graded, fit_map
from schemas.errors import InvalidInput

__all__ = ["Worth", "compare_parts"]

_FOLDS, _SEED = 5, 3
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Worth:
    """Of one part.

    Attributes:
        ndcg_at_10: Mean over queries.
        kappa: Quadratic.
        mean_absolute_error: Of the label, in grades.
    """

    ndcg_at_10: significance.Interval
    kappa: Interval
    mean_absolute_error: float

    def as_fields(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compare_parts(pairs: Sequence[Graded], over: Over = Over.MEAN) -> dict[str, Worth]:
    """Each of :data:`PARTS`, cross-fitted.

    Raises:
        InvalidInput: Fewer queries than folds, or none with a relevant posting.
    """
    queries = _by_query(pairs)
    if len(queries) < _FOLDS or not any(pair.grade for pair in pairs):
        raise InvalidInput(f"{len(queries)} queries with gold: {_FOLDS} are needed, and a grade above 0 among them")
    return {part: _worth(queries, part, over) for part in PARTS}


def _by_query(pairs: Sequence[Graded]) -> list[list[Graded]]:
    queries: dict[str, list[Graded]] = {}
    for pair in pairs:
        queries.setdefault(normalise_query(pair.label.query), []).append(pair)
    return list(queries.values())


def _worth(queries: Sequence[Sequence[Graded]], part: str, over: Over) -> Worth:
    measured = _cross_fitted(queries, part, over)
    grades = [[pair.grade for pair in query] for query in queries]
    ndcg = ndcg_at_10_by_query(grades, [[score for score, _ in measured[at]] for at in range(len(queries))])
    labels = [[label for _, label in measured[at]] for at in range(len(queries))]
    matrices = [
        matrix_of(Counter(zip(truth, map(grade_of, row), strict=True)))
        for row, truth in zip(labels, grades, strict=True)
    ]
    (kappa,) = bootstrap(matrices, [quadratic], num_resamples=_RESAMPLES, seed=_SEED)
    errors = [
        abs(MAX_GRADE * label - grade)
        for row, truth in zip(labels, grades, strict=True)
        for label, grade in zip(row, truth, strict=True)
    ]
    # A query without a relevant posting says nothing of a ranking.
    ranked = [value for value, row in zip(ndcg, grades, strict=True) if any(row)]
    return Worth(significance.mean(ranked), kappa, sum(errors) / len(errors))


def _cross_fitted(
    queries: Sequence[Sequence[Graded]], part: str, over: Over
) -> Mapping[int, list[tuple[float, float]]]:
    """By place of the query: score and label of each of its pairs, of a map that has not seen it."""
    measured = {}
    for others, left_out in folds(len(queries), _FOLDS, _SEED):
        fitted = fit_map([pair for query in others for pair in queries[query]], part, over)
        for query in left_out:
            scores = [fitted.score(pair.label.cosines, pair.label.findings()) for pair in queries[query]]
            measured[query] = [(score, fitted.label(score)) for score in scores]
    return measured
