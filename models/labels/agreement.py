"""How far labels agree with gold grades: the pairs that both have, by query text and job id."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.labels.files import Label
from models.labels.judgement import MAX_GRADE
from models.labels.kappa import Interval, Matrix, bootstrap, linear, quadratic
from models.labels.lines import Grade, JobIdText, QueryText, Row, parse_row, read_rows
from models.prompts import normalise_query
from schemas.errors import InvalidInput

__all__ = ["Agreement", "PairKey", "agreement", "grade_of", "matrix_of", "read_gold"]

PairKey = tuple[str, str]
"""Normalised query and job id."""

_SIZE = MAX_GRADE + 1


class _GoldLine(Row):
    query: QueryText
    job_id: JobIdText | None = None
    grade: Grade | None = None
    grades: dict[JobIdText, Grade] | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was found.

    Attributes:
        num_pairs: In both; the figures below are over these.
        num_without_gold: Labels that no gold grade matches.
        num_without_label: Gold grades that no label matches.
        confusion: Row of the gold grade, column of the label's.
        quadratic: Kappa that counts a distance of two grades four times one.
        linear: Kappa that counts it twice.
        within_one: Pairs whose grades differ by one at most.
        mean_absolute_error: Of the soft label, in grades.
        bias: Mean of the soft label minus gold, in grades: above 0 the labels are kinder.
    """

    num_pairs: int
    num_queries: int
    num_without_gold: int
    num_without_label: int
    confusion: Matrix
    quadratic: Interval
    linear: Interval
    exact: Interval
    within_one: Interval
    mean_absolute_error: float | None
    bias: float | None


def grade_of(label: float) -> int:
    """The whole grade nearest to a soft label; halves go up."""
    return math.floor(MAX_GRADE * label + 0.5)


def read_gold(path: Path) -> dict[PairKey, int]:
    """Gold grades: lines of ``query, job_id, grade``, or of ``query, grades`` with job id -> grade.

    Raises:
        ConfigurationError: There is no such file.
        InvalidInput: A line is wrong, or a pair has two grades; with line and field.
    """
    gold: dict[PairKey, int] = {}
    for place, content in read_rows(path):
        line = parse_row(place, content, _GoldLine)
        query = normalise_query(line.query)
        for job_id, grade in _grades(place, line):
            if gold.setdefault((query, job_id), grade) != grade:
                message = f"{place}: field `grade`: {grade} for job {job_id!r}, which has another grade before"
                raise InvalidInput(message, field="grade")
    return gold


def agreement(
    labels: Iterable[tuple[str, Label]], gold: Mapping[PairKey, int], *, num_resamples: int = 1000, seed: int = 0
) -> Agreement:
    """Compare.

    Args:
        labels: With their places.
        gold: Grades 0 to 4.
        num_resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        InvalidInput: Two labels are of one query and job.
    """
    cells: dict[str, Counter[tuple[int, int]]] = {}
    seen: set[PairKey] = set()
    errors: list[float] = []
    for place, label in labels:
        key = (normalise_query(label.query), label.job_id)
        if key in seen:
            message = f"{place}: field `job_id`: {label.job_id!r} has a label for this query before"
            raise InvalidInput(message, field="job_id")
        seen.add(key)
        if (grade := gold.get(key)) is not None:
            cells.setdefault(key[0], Counter())[grade, grade_of(label.label)] += 1
            errors.append(MAX_GRADE * label.label - grade)
    matrices = [matrix_of(counts) for counts in cells.values()]
    measures: list[Callable[[Matrix], float | None]] = [quadratic, linear, _within(0), _within(1)]
    intervals = bootstrap(matrices, measures, num_resamples=num_resamples, seed=seed)
    return Agreement(
        num_pairs=len(errors),
        num_queries=len(matrices),
        num_without_gold=len(seen) - len(errors),
        num_without_label=len(gold.keys() - seen),
        confusion=matrix_of(sum(cells.values(), Counter())),
        quadratic=intervals[0],
        linear=intervals[1],
        exact=intervals[2],
        within_one=intervals[3],
        mean_absolute_error=math.fsum(map(abs, errors)) / len(errors) if errors else None,
        bias=math.fsum(errors) / len(errors) if errors else None,
    )


def _grades(place: str, line: _GoldLine) -> Iterator[tuple[str, int]]:
    if line.grades is not None:
        yield from line.grades.items()
        return
    for name in ("job_id", "grade"):
        if getattr(line, name) is None:
            raise InvalidInput(f"{place}: field `{name}`: is missing, and there is no `grades` either", field=name)
    assert line.job_id is not None
    assert line.grade is not None
    yield line.job_id, line.grade


def matrix_of(counts: Mapping[tuple[int, int], int]) -> Matrix:
    """Counts by (gold, label) as a matrix, a row for each grade of gold."""
    return tuple(tuple(counts.get((i, j), 0) for j in range(_SIZE)) for i in range(_SIZE))


def _within(distance: int) -> Callable[[Matrix], float | None]:
    def share(matrix: Matrix) -> float | None:
        total = sum(map(sum, matrix))
        near = sum(count for i, row in enumerate(matrix) for j, count in enumerate(row) if abs(i - j) <= distance)
        return near / total if total else None

    return share
