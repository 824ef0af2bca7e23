"""Whether scores are probabilities: ECE before and after isotonic regression."""

from models.training.calibration import RELEVANT_GRADE, Calibration, cross_fitted, measure_calibration
from models.training.judged import JudgedSet
from models.training.measures import ndcg_at_10_by_query
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import absolute, plain
from models.training.significance import Interval, difference

__all__ = ["measure"]

_SOFT_LABELS = (
    "The ranker was taught soft labels (0.45 for grade 2), not the share of relevant candidates among those that were "
    "judged, so part of the error before is a matter of definition. The paper names no calibration."
)


def measure(study: Study) -> Chapter:
    """Calibrate on each set that has grades above one."""
    graded = [judged for judged in study.sets if _has_grades(judged)]
    rows, figures, series = [], [], []
    for judged in graded:
        scores = study.rank(judged, Text.WRITTEN).scores
        found = measure_calibration(scores, [ranking.grades for ranking in judged.rankings])
        rows.append([judged.title, plain(found.before), plain(found.after), absolute(_change(study, judged))])
        figures += _figures(judged, found)
        points = [Interval(share, share, share) for _, share, _ in found.curve]
        series.append(Series(judged.title, [score for score, _, _ in found.curve], points))
    diagonal = Series("calibrated", [0.0, 1.0], [Interval(value, value, value) for value in (0.0, 1.0)])
    picture = Picture(
        "calibration",
        "Share of relevant candidates by score",
        Chart.LINES,
        "mean score of a bin",
        f"share of grade {RELEVANT_GRADE} or more",
        [diagonal, *series],
    )
    head = ["set", "ECE before", "ECE after, out of fold", "NDCG@10 after minus before"]
    return Chapter(
        "calibration",
        "Calibration",
        f"Is a score of 0.7 right seven times of ten, right meaning grade {RELEVANT_GRADE} or more? Expected "
        "calibration error over ten bins, before and after isotonic regression that was fitted on other queries.",
        figures,
        [Table("Expected calibration error", head, rows)],
        [picture],
        [_SOFT_LABELS],
    )


def _has_grades(judged: JudgedSet) -> bool:
    """Whether some candidate is relevant by grade: where grades are 0 and 1, as MELO's, none is."""
    return any(grade >= RELEVANT_GRADE for ranking in judged.rankings for grade in ranking.grades)


def _figures(judged: JudgedSet, found: Calibration) -> list[Figure]:
    return [
        Figure(f"ece_{when}_{judged.name}", interval, f"ECE {when} calibration, {judged.title}", len(judged.rankings))
        for when, interval in (("before", found.before), ("after", found.after))
    ]


def _change(study: Study, judged: JudgedSet) -> Interval:
    """What the ties of the calibrated scores do to the order."""
    ranked, grades = study.rank(judged, Text.WRITTEN), [ranking.grades for ranking in judged.rankings]
    relevant = [[float(grade >= RELEVANT_GRADE) for grade in row] for row in grades]
    return difference(ndcg_at_10_by_query(grades, cross_fitted(ranked.scores, relevant)), ranked.ndcg)
