"""What a report of each scale measures unless it is told otherwise: what its models can be asked in its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SCALES", "Scale"]

_ROOT = Path(__file__).resolve().parents[3]
_BUNDLES = _ROOT / "models" / "bundles"
_RESULTS = _ROOT / "docs" / "results"


@dataclass(frozen=True, slots=True)
class Scale:
    """Defaults of a report.

    Attributes:
        ranker: Its bundle; None where it is not shipped but fetched.
        summarizer: Its bundle; None likewise.
        out: Folder of the report.
        sections: What is measured.
        queries: Most of a real set.
        generated: Most of a generated one.
        full_text: Generated queries that are also ranked by whole bodies.
        full_text_real: Likewise of real ads.
        dtype: What rankings and summaries compute in.
    """

    ranker: Path | None
    summarizer: Path | None
    out: Path
    sections: Sequence[str]
    queries: int = 120
    generated: int = 120
    full_text: int = 60
    full_text_real: int = 40
    dtype: str = "float32"


SCALES = {
    "tiny": Scale(
        ranker=_BUNDLES / "ranker-tiny",
        summarizer=_BUNDLES / "summarizer-tiny",
        out=_RESULTS,
        sections=("ranking", "calibration", "faithfulness", "layers", "pruning", "compression", "chain"),
    ),
    "small": Scale(
        ranker=None,
        summarizer=None,
        out=_RESULTS / "small",
        sections=("ranking", "embedders", "calibration", "faithfulness", "recovered", "compression", "chain"),
        generated=60,
        full_text=8,
        full_text_real=12,
        dtype="bfloat16",
    ),
}
"""By name. 20 minutes on two cores for the tiny scale, 30 for the small one."""
