"""Train the small ranker: ``precis train small-ranker --out DIR``.

Supervised fine-tuning of SmolLM2-135M-Instruct by a low-rank adapter: the probability of the answer `` yes`` is taught
to follow the grade (KL to soft labels). What it learns from: :mod:`models.training.small.ranker_data`.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from models.bundle import Manifest, PromptLimits, Role
from models.labels.teachers.weights import TEACHERS
from models.prompts import RankerPrompt, TextTokenizer
from models.training.architecture import ATTENTION_IN_TRAINING, CausalModel
from models.training.command_line import training_command
from models.training.corpora import Corpus, evaluation_corpus, training_corpus
from models.training.curve import Curve
from models.training.export import load_weights, versions, write_manifest
from models.training.identity import data_digest, fingerprint
from models.training.judged import find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.loop import LoopConfig, train
from models.training.optimiser import OptimiserConfig
from models.training.ranker_data import RankerData
from models.training.ranker_objective import losses_of_pairs
from models.training.ranker_report import ranker_canaries
from models.training.small.adapter import adapter_digest, load_adapter, manifest_of, save_adapter, with_adapter
from models.training.small.bundles import merge
from models.training.small.development import ndcg_of
from models.training.small.lessons import TitleLessons
from models.training.small.marks import rename_marks
from models.training.small.occupations import OccupationWorld, draw_world
from models.training.small.ranker_data import Mix, SmallRankerData, Sources
from models.training.small.real import TeacherLessons, teacher_lessons
from models.training.small.source import SMOLLM2
from models.training.small.speed import compile_for_training, keep_frozen_matrices_short
from models.training.soft_labels import SOFT_LABELS
from models.training.teachers.encoder import Encoder

__all__ = ["SmallRankerConfig", "main"]

_MICRO_BATCH_TOKENS, _LEAST_LENGTH = 4000, 0.55
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SmallRankerConfig:
    """A training run.

    Attributes:
        out: Folder of the adapter and its ``precis.json``.
        base: What `precis bundle fetch small` made.
        start: Folder of the adapter to go on from; None begins anew.
        teachers: Folder of the embedding models' weights; None does without their lessons.
        judged_data: The evaluation data: O*NET's words are learnt from, its judged queries are held out.
        seed: Of adapter, ads and order.
        threads: Of torch.
        steps: Optimiser steps.
        rank: Of the adapter.
        layers: The last ones, which the adapter changes; the first ones stay as they are.
        ads: Ads in O*NET's words.
        queries: Queries over them; the last ones draw the learning curve and are not learnt from.
        development: How many those are.
        generated_postings: Of the generator's training world.
        generated_queries: Over them.
        measured_every: Steps between rows of the learning curve.
        mix: What a step holds.
        is_compiled: Whether the layers are compiled first: twice as fast, after some minutes.
        optimiser: Rates.
    """

    out: Path
    base: Path
    start: Path | None = None
    teachers: Path | None = None
    judged_data: Path = DEFAULT_FOLDER
    seed: int = 7
    threads: int = 2
    steps: int = 650
    rank: int = 8
    layers: int = 20
    ads: int = 6000
    queries: int = 6000
    development: int = 16
    generated_postings: int = 6000
    generated_queries: int = 9000
    measured_every: int = 250
    is_compiled: bool = False
    mix: Mix = field(default_factory=Mix)
    optimiser: OptimiserConfig = OptimiserConfig(matrix_rate=None, other_rate=1e-3, cool_down=0.7)


def main(config: SmallRankerConfig) -> Manifest:
    """Train, and write the adapter with the manifest of the bundle that it makes of the base.

    Returns:
        The manifest.
    """
    torch.set_num_threads(config.threads)
    text, limits = _tokenizer(config.base), PromptLimits()
    prompt = RankerPrompt(text, limits)
    world = draw_world(find_evaluation_data(config.judged_data), config.seed, config.ads, config.queries)
    learnt, development = world.split(config.development)
    corpus = training_corpus(config.generated_postings, config.generated_queries)
    held_out = evaluation_corpus()
    generated = RankerData(corpus.judged, text, prompt, limits.header, limits.summary, config.seed)
    lessons = TitleLessons(world.titles, world.occupations, world.esco)
    sources = Sources(learnt, lessons, _teacher_lessons(config, learnt, lessons), generated)
    data = SmallRankerData(sources, text, prompt, limits, config.mix, config.seed)
    provenance = _provenance(config, learnt, corpus)
    torch.manual_seed(config.seed)
    model = load_weights(config.base)
    model.set_attn_implementation(ATTENTION_IN_TRAINING)
    adapted = with_adapter(model, config.rank, config.layers)
    if config.start is not None:
        load_adapter(adapted, config.start)
    keep_frozen_matrices_short(model)
    if config.is_compiled:
        compile_for_training(model)
    loop = LoopConfig(config.steps, config.out.with_suffix(".checkpoint"), fingerprint(provenance))
    curve = Curve(
        config.out.with_suffix(".curve.csv"),
        config.measured_every,
        lambda: ndcg_of(model, prompt, data, development),
    )

    def of_step(step: int) -> Iterator[torch.Tensor]:
        return losses_of_pairs(
            model, data.of_step(step), prompt.label_token_ids, _MICRO_BATCH_TOKENS, least_length=_LEAST_LENGTH
        )

    loss = train(model, of_step, loop, config.optimiser, "small ranker", curve)
    save_adapter(adapted, config.out)
    stored = _merged(config.base, config.out)
    manifest = Manifest(
        role=Role.RANKER,
        name="ranker-small",
        prompt_version=prompt.version,
        limits=limits,
        label_token_ids=prompt.label_token_ids,
        canaries=ranker_canaries(stored, prompt, generated, held_out.judged),
        provenance=provenance,
        metrics={
            "train_loss": round(loss, 4),
            "development_ndcg_at_10": round(ndcg_of(stored, prompt, data, development), 4),
        },
    )
    write_manifest(manifest, config.out)
    return manifest


def _provenance(config: SmallRankerConfig, learnt: OccupationWorld, corpus: Corpus) -> dict[str, Any]:
    return {
        "command": "python -m models.training.small.ranker",
        "base": {"package": SMOLLM2.package, "version": SMOLLM2.version, "sha256": SMOLLM2.sha256},
        "start": None if config.start is None else _before(config.start),
        "teachers": [] if config.teachers is None else [teacher.sha256 for teacher in TEACHERS],
        "seed": config.seed,
        "steps": config.steps,
        "threads": config.threads,
        "rank": config.rank,
        "layers": config.layers,
        "ads": len(learnt.ads),
        "queries": len(learnt.rankings),
        "occupations_taught": len(learnt.occupations),
        "is_compiled": config.is_compiled,
        "mix": asdict(config.mix),
        "world_sha256": learnt.digest(),
        "generated_sha256": data_digest(corpus.postings, corpus.judged),
        "soft_labels": list(SOFT_LABELS),
        "optimiser": asdict(config.optimiser),
        "versions": dict(versions()),
    }


def _before(adapter: Path) -> dict[str, Any]:
    """What an adapter is, and how it came about."""
    return {"sha256": adapter_digest(adapter), "provenance": manifest_of(adapter).provenance}


def _teacher_lessons(
    config: SmallRankerConfig, learnt: OccupationWorld, lessons: TitleLessons
) -> TeacherLessons | None:
    if config.teachers is None:
        return None
    _log.info("the teachers read titles: some minutes of one core")
    return teacher_lessons(learnt, lessons, [Encoder(teacher, config.teachers) for teacher in TEACHERS], config.seed)


def _tokenizer(base: Path) -> TextTokenizer:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(base / name, Path(folder) / name)
        rename_marks(Path(folder))
        return TextTokenizer.from_file(Path(folder) / "tokenizer.json")


def _merged(base: Path, adapter: Path) -> CausalModel:
    """The model as a bundle will hold it: rounded to what is stored."""
    with tempfile.TemporaryDirectory() as folder:
        merge(base, adapter, Path(folder))
        return load_weights(Path(folder))


def parse_arguments(arguments: Sequence[str] | None = None) -> SmallRankerConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="precis train small-ranker", description="Train the small ranker's adapter.")
    defaults = SmallRankerConfig(out=Path(), base=Path())
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapter")
    parser.add_argument("--base", type=Path, required=True, help="what `precis bundle fetch small` made")
    parser.add_argument("--from", dest="start", type=Path, help="folder of an adapter to go on from")
    parser.add_argument(
        "--teachers", type=Path, help="folder of the embedding models' weights: learn from them as well"
    )
    parser.add_argument("--judged-data", type=Path, default=defaults.judged_data, help="evaluation data")
    for name, said in (
        ("seed", "of adapter, ads and order"),
        ("threads", "of torch"),
        ("steps", "optimiser steps"),
        ("rank", "of the adapter"),
        ("layers", "the last ones, which the adapter changes"),
        ("ads", "ads in O*NET's words"),
        ("queries", "queries over them"),
        ("measured-every", "steps between curve rows"),
    ):
        default = getattr(defaults, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{said} (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=defaults.optimiser.other_rate, help="peak learning rate")
    parser.add_argument("--compile", dest="is_compiled", action="store_true", help="compile the layers first")
    options = vars(parser.parse_args(arguments))
    optimiser = OptimiserConfig(**{**asdict(defaults.optimiser), "other_rate": options.pop("rate")})
    return SmallRankerConfig(**options, optimiser=optimiser)


@training_command
def _command() -> int:
    _log.info("metrics: %s", main(parse_arguments()).metrics)
    return 0


if __name__ == "__main__":
    sys.exit(_command())
