"""``precis eval report``: measure, write the files, print the figures."""

import argparse
import json
import logging
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from models.training.command_line import training_command
from models.training.export import versions
from models.training.judged.files import DEFAULT_FOLDER
from models.training.report.chapter import Chapter
from models.training.report.output import as_answer, write_report, write_texts
from models.training.report.recorded import read_recorded, recorded_chapter
from models.training.report.scales import add_scale_options, with_scale
from models.training.report.sections import SECTIONS
from models.training.report.study import Settings, Study
from schemas.errors import ConfigurationError

_QUICK_QUERIES = 6
_log = logging.getLogger(__name__)


def report(settings: Settings, sections: Sequence[str], out: Path) -> dict[str, Any]:
    """Measure the sections named, add what was recorded, write the files.

    What is measured is written after each section: a run that is cut off leaves what it has.

    Returns:
        Every figure by name, and its interval.

    Raises:
        ConfigurationError: A bundle or the evaluation data are missing, or a recorded run does not fit.
    """
    recorded = read_recorded(out / "recorded")
    study, chapters, spent = Study(settings), list[Chapter](), _Stopwatch()
    for name in sections:
        section = _Stopwatch()
        chapters.append(SECTIONS[name](study))
        _log.info("%s: %s", name, section)
        write_texts(chapters, _about(study, spent), out)
    if recorded:
        chapters.append(recorded_chapter(recorded))
    write_report(chapters, _about(study, spent), out)
    return as_answer(chapters)


class _Stopwatch:
    """Since it was made: wall time and, since machines are shared, what of it this process computed."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def __str__(self) -> str:
        return f"{time.monotonic() - self._wall:.0f} s ({time.process_time() - self._cpu:.0f} s of CPU)"


def _about(study: Study, spent: _Stopwatch) -> dict[str, Any]:
    ranker, summarizer = study.ranker, study.summarizer
    dtype = "bfloat16" if study.settings.is_bfloat16 else "float32"
    about = {
        "ranker": f"{ranker.manifest.name}, revision {ranker.revision}, {study.scorer.num_parameters / 1e6:.2f} M",
        "summarizer": f"{summarizer.manifest.name}, revision {summarizer.revision}",
        "sets": "; ".join(
            f"{each.title}: {len(each.rankings)} queries, {len(each.items)} items" for each in study.sets
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} torch threads, {dtype}, {spent}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }
    if study.settings.judged_data is None:
        about["left out"] = "the judged sets of real ads and titles (no evaluation data, or --no-real)"
    if study.settings.is_extractive:
        about["extractive"] = "yes: no summarizer was asked, each written summary is the extractive fallback"
    if study.settings.is_quick:
        about["quick"] = "yes: so few queries that no figure means anything"
    return about


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what it leaves open is the scale's."""
    parser = argparse.ArgumentParser(
        prog="precis eval report",
        description="Measure the shipped models anew: ranking, calibration, layers, pruning, compression, the chain.",
    )
    add_scale_options(parser)
    parser.add_argument("--out", type=Path, help="folder of the report (default: docs/results, docs/results/small)")
    parser.add_argument("--json", action="store_true", help="print every figure with its interval as JSON")
    parser.add_argument(
        "--sections",
        nargs="+",
        choices=SECTIONS,
        metavar="NAME",
        help=f"measure these only: {', '.join(SECTIONS)} (default: the scale's)",
    )
    parser.add_argument(
        "--judged-data",
        type=Path,
        help="folder of the evaluation data (default: shared/data beside the checkout, if there)",
    )
    parser.add_argument("--no-real", action="store_true", help="leave out the judged sets of real ads and titles")
    parser.add_argument(
        "--embedders", type=Path, help="folder of the embedding models' weights (default: fetched ones)"
    )
    parser.add_argument("--recovered", type=Path, help="bundle of the ranker pruned and trained anew (default: none)")
    parser.add_argument("--queries", type=int, help="most queries of a real set")
    parser.add_argument("--generated", type=int, help="most queries of a generated set")
    parser.add_argument("--full-text", type=int, help="generated queries that are also ranked by whole bodies")
    parser.add_argument("--full-text-real", type=int, help="queries over real ads likewise")
    parser.add_argument("--seed", type=int, default=7, help="of random orders and random sentences")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="what the models compute in")
    parser.add_argument("--extractive", action="store_true", help="ask no summarizer: read extractive fallbacks")
    parser.add_argument("--quick", action="store_true", help="a few queries: everything runs, no figure means anything")
    return with_scale(parser, parser.parse_args(arguments))


def settings_of(options: argparse.Namespace) -> Settings:
    """What the command line asks for.

    Raises:
        ConfigurationError: A section lacks what it measures: told before the minutes of those before it.
    """
    if "recovered" in options.sections and options.recovered is None:
        raise ConfigurationError("section recovered: --recovered names no bundle of a pruned ranker")
    data = options.judged_data or (DEFAULT_FOLDER if DEFAULT_FOLDER.is_dir() else None)
    settings = Settings(
        ranker=options.ranker,
        summarizer=options.summarizer,
        judged_data=None if options.no_real else data,
        num_queries=options.queries,
        num_generated=options.generated,
        num_full_text=options.full_text,
        num_full_text_real=options.full_text_real,
        seed=options.seed,
        is_bfloat16=options.dtype == "bfloat16",
        is_extractive=options.extractive,
        embedders=options.embedders,
        recovered=options.recovered,
    )
    if not options.quick:
        return settings
    few = min(options.queries, _QUICK_QUERIES)
    return replace(
        settings,
        num_queries=few,
        num_generated=few,
        num_full_text=few,
        num_full_text_real=few,
        num_calibration=few,
        is_quick=True,
    )


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, write, print."""
    options = parse_arguments(arguments)
    torch.set_num_threads(options.threads)
    answer = report(settings_of(options), options.sections, options.out)
    if options.json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in answer.items())
        sys.stdout.write(f"written: {options.out / 'report.md'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
