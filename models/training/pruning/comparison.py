"""``precis prune compare``: every method at every ratio, before and after the same recovery."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import torch

from models.bundle import Role, load_bundle
from models.training.corpora import Corpus, evaluation_corpus
from models.training.data.files import SAMPLE_QUERIES
from models.training.identity import data_digest
from models.training.pruning.journal import Journal
from models.training.pruning.lessons import Lesson
from models.training.pruning.measuring import Bench, Recovery
from models.training.pruning.methods import MethodName
from models.training.pruning.plan import PlanShape, Source, kept_count
from models.training.pruning.prompts import CalibrationText, Reader
from models.training.pruning.pruned import Settings, Target, last_layers
from models.training.pruning.report import Comparison, Row

__all__ = ["RATIOS", "CompareConfig", "compare", "targets"]

RATIOS = (0.1, 0.25, 0.4, 0.5, 0.75, 0.9)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CompareConfig:
    """What to compare."""

    bundle: Path
    """Ranker."""
    ratios: tuple[float, ...] = RATIOS
    """Shares of the MLP neurons that are removed."""
    methods: tuple[MethodName, ...] = tuple(MethodName)
    drops: tuple[int, ...] = (0,)
    """Numbers of last layers that are dropped; each with every ratio, and alone."""
    queries: int = SAMPLE_QUERIES
    """Held-out queries that are ranked."""
    text: CalibrationText = CalibrationText.SUMMARIES
    """What stands in calibration prompts."""
    calibration_queries: int = 64
    """Eight prompts each."""
    recover_steps: int = 0
    """Steps of recovery behind each pruning, and of the control; 0 for none."""
    lesson: Lesson = Lesson.BOTH
    """What recovery teaches."""
    settings: Settings = field(default_factory=Settings)
    """Of all; the seed is the recovery's too."""
    work: Path | None = None
    """Folder where finished rows and the checkpoint of a recovery lie, so that a killed run goes on; None for none."""


def compare(config: CompareConfig) -> Comparison:
    """Prune the bundle's ranker in every way asked for, and rank the held-out queries with each.

    Raises:
        ConfigurationError: The bundle is not a ranker's, or a ratio or number of layers does not fit it.
    """
    bundle, corpus = load_bundle(config.bundle, Role.RANKER), evaluation_corpus()
    held_out = Corpus(corpus.postings, corpus.judged[: config.queries])
    held_out_sha256 = data_digest((), held_out.judged)
    calibration, batches = Reader.of(bundle).calibration(config.text, config.calibration_queries)
    same = replace(config, bundle=Path(), ratios=(), methods=(), drops=(), work=None)
    with TemporaryDirectory(prefix="precis-prune-") as scratch:
        work = config.work or Path(scratch)
        fingerprint = f"{bundle.revision}/{calibration.sha256}/{held_out_sha256}/{torch.get_num_threads()}/{same}"
        checkpoint = work / "recovery.checkpoint"
        recovery = Recovery(config.recover_steps, config.lesson, config.settings.seed, checkpoint, fingerprint)
        bench = Bench(bundle, held_out, batches, recovery)
        chosen = list(targets(config, bench.shape))
        journal = Journal(work / "rows.jsonl", fingerprint)
        measure = _remembered(bench, journal, is_recovered=config.recover_steps > 0)
        measure_alone = _remembered(bench, journal, is_recovered=False)
        return Comparison(
            bundle=Source(name=bundle.manifest.name, revision=bundle.revision),
            calibration=calibration,
            held_out_sha256=held_out_sha256,
            queries=len(held_out.judged),
            recover_steps=config.recover_steps,
            lesson=config.lesson.value,
            seed=config.settings.seed,
            threads=torch.get_num_threads(),
            unpruned=measure(None),
            rows=tuple(map(measure, chosen)),
            single_layers=tuple(
                measure_alone(Target(dropped_layers=(layer,), settings=config.settings))
                for layer in range(bench.shape.layers)
            ),
        )


def targets(config: CompareConfig, shape: PlanShape) -> Iterator[Target]:
    """What is measured, in order; impossible ones are found before hours of work, not after.

    Raises:
        ConfigurationError: A ratio rounds to nothing or to all, or no layer would be left.
    """
    for drop in config.drops:
        dropped = last_layers(drop, shape.layers)
        if dropped:
            yield Target(dropped_layers=dropped, settings=config.settings)
        for ratio in config.ratios:
            kept_count(1 - ratio, shape.neurons, config.settings.granularity, "neurons")
            for method in config.methods:
                yield Target(method, 1 - ratio, dropped_layers=dropped, settings=config.settings)


def _remembered(bench: Bench, journal: Journal, *, is_recovered: bool) -> Callable[[Target | None], Row]:
    """Measure what the journal does not have yet."""

    def measure(target: Target | None) -> Row:
        key = f"{target}/{is_recovered}"
        row = journal.find(key)
        if row is None:
            row = bench.measure(target, is_recovered=is_recovered)
            journal.add(key, row)
        what = f"{row.method or 'no neurons'} {-row.removed:.0%}, layers {row.dropped_layers}" if target else "unpruned"
        _log.info("%s: nDCG@10 %.4f", what, fmean(row.ndcg_at_10))
        return row

    return measure
