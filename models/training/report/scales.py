"""What a report of each scale measures unless it is told otherwise: what its models can be asked in its time."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["SCALES", "Scale", "add_scale_options", "with_scale"]

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
        generated=40,
        full_text=8,
        full_text_real=12,
        dtype="bfloat16",
    ),
}
"""By name. 20 minutes on two cores for the tiny scale, 30 for the small one."""


def add_scale_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--scale``, and the bundles in whose place others may be named."""
    parser.add_argument("--scale", choices=SCALES, default="tiny", help="whose models, and what of them is measured")
    parser.add_argument("--ranker", type=Path, help="ranker bundle (default: the scale's)")
    parser.add_argument("--summarizer", type=Path, help="summarizer bundle (default: the scale's)")


def with_scale(parser: argparse.ArgumentParser, options: argparse.Namespace) -> argparse.Namespace:
    """The options; what was not said is the scale's. Ends the command where a bundle is not shipped and not named."""
    for name, value in asdict(SCALES[options.scale]).items():
        if getattr(options, name, value) is None:
            setattr(options, name, value)
    for name in ("ranker", "summarizer"):
        if getattr(options, name) is None:
            parser.error(f"--{name} is needed: the bundle of scale {options.scale}, of `precis bundle fetch`")
    return options
