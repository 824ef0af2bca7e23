"""MLP neurons and layers taken out of the ranker by OSSCAR, before any recovery (the paper's Table 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.training.pruning.methods import MethodName
from models.training.pruning.pruned import Target, last_layers, prune
from models.training.report import paper
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.scorer import Scorer
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import percent, plain
from models.training.significance import Interval, mean, relative_difference

__all__ = ["measure", "pruned_scorer"]

_REMOVED = (0.1, 0.25, 0.4, 0.5, 0.75, 0.9)
_ALSO_WITHOUT_LAST_LAYER = (0.5, 0.9)
_QUICK = (0.4, 0.9)
_PRODUCTION = 0.4
"""The paper's 37.5 % fewer parameters stand beside this ratio."""
_GOALS = {0.4: "at least -0.5 % after recovery", 0.9: "at most -3 %"}


@dataclass(frozen=True, slots=True)
class _Cell:
    """The ranker with so much taken out."""

    removed: float
    num_layers: int
    num_parameters: int
    ndcg: Sequence[float]


def pruned_scorer(study: Study, removed: float, dropped: int) -> Scorer:
    """The ranker without a share of the MLP neurons of every layer and without its last layers, unrecovered."""
    model = study.model()
    last = last_layers(dropped, model.config.num_hidden_layers)
    prune(model, Target(MethodName.OSSCAR, mlp_keep=1 - removed, dropped_layers=last), study.calibration)
    return study.scorer_of(model)


def measure(study: Study) -> Chapter:
    """Every ratio with all layers, some without the last one."""
    judged, texts = study.generated, study.texts(study.generated, Text.WRITTEN)
    whole = study.rank(judged, Text.WRITTEN)
    ratios = _QUICK if study.settings.is_quick else _REMOVED
    num_layers = study.model().config.num_hidden_layers
    cells = [_Cell(0.0, num_layers, study.scorer.num_parameters, whole.ndcg)]
    without_last = (0.0, *(removed for removed in ratios if removed in _ALSO_WITHOUT_LAST_LAYER))
    for removed, dropped in (*((removed, 0) for removed in ratios), *((removed, 1) for removed in without_last)):
        scorer = pruned_scorer(study, removed, dropped)
        ndcg = scorer.rank(judged, texts).ndcg
        cells.append(_Cell(removed, num_layers - dropped, scorer.num_parameters, ndcg))
    costs = [relative_difference(cell.ndcg, whole.ndcg) for cell in cells]
    rows = [_row(cell, cost) for cell, cost in zip(cells, costs, strict=True)]
    figures = [
        Figure(
            f"pruned_{round(100 * cell.removed)}_relative",
            cost,
            f"NDCG@10 without {cell.removed:.0%} of the MLP neurons, relative to all of them, before recovery",
            len(whole.ndcg),
            paper.PRUNED if cell.removed == _PRODUCTION else None,
            _GOALS[cell.removed],
        )
        for cell, cost in zip(cells, costs, strict=True)
        if cell.removed in _GOALS and cell.num_layers == num_layers
    ]
    head = ["MLP neurons removed", "layers", "parameters", "NDCG@10", "relative to the whole"]
    return Chapter(
        "pruning",
        "Pruning before recovery",
        "What does the ranker lose when OSSCAR takes MLP neurons out of every layer, and the last layer goes as well, "
        "before anything is trained anew? The paper's Table 3. Held-out generated queries, written summaries; "
        f"calibrated on {study.settings.num_calibration} training queries.",
        figures,
        [Table("NDCG@10 of the pruned ranker", head, rows)],
        [_picture(cells, costs)],
        [f"The paper: {paper.PRUNED}. {paper.SECOND_HAND}"],
    )


def _row(cell: _Cell, cost: Interval) -> list[str]:
    size = f"{cell.num_parameters / 1e6:.2f} M"
    return [f"{cell.removed:.0%}", str(cell.num_layers), size, plain(mean(cell.ndcg)), percent(cost)]


def _picture(cells: Sequence[_Cell], costs: Sequence[Interval]) -> Picture:
    series = []
    for num_layers in dict.fromkeys(cell.num_layers for cell in cells):
        points = [
            (cell.removed, cost) for cell, cost in zip(cells, costs, strict=True) if cell.num_layers == num_layers
        ]
        series.append(Series(f"{num_layers} layers", [removed for removed, _ in points], [cost for _, cost in points]))
    title = "What pruning costs before recovery"
    return Picture("pruning", title, Chart.LINES, "share of MLP neurons removed", "relative change of NDCG@10", series)
