"""The sections of the report, in its order. A further one is a module with ``measure(study) -> Chapter``."""

from collections.abc import Callable, Mapping

from models.training.report.chapter import Chapter
from models.training.report.sections import (
    calibrated,
    chain,
    compression,
    embedders,
    faithful,
    layers,
    pruned,
    ranking,
    recovered,
)
from models.training.report.study import Study

__all__ = ["SECTIONS", "Measure"]

Measure = Callable[[Study], Chapter]

SECTIONS: Mapping[str, Measure] = {
    "ranking": ranking.measure,
    "embedders": embedders.measure,
    "calibration": calibrated.measure,
    "faithfulness": faithful.measure,
    "layers": layers.measure,
    "pruning": pruned.measure,
    "compression": compression.measure,
    "recovered": recovered.measure,
    "chain": chain.measure,
}
