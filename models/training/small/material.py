"""What the small models learn from, drawn once for a training: worlds, lessons, the pairs of each step."""

import argparse
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.bundle import PromptLimits
from models.labels.teachers.weights import TEACHERS
from models.prompts import RankerPrompt, TextTokenizer
from models.training.corpora import Corpus, evaluation_corpus, training_corpus
from models.training.identity import data_digest
from models.training.judged import find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.ranker_data import RankerData
from models.training.small.lessons import TitleLessons
from models.training.small.occupations import OccupationWorld, draw_world
from models.training.small.ranker_data import Mix, SmallRankerData, Sources
from models.training.small.real import teacher_lessons
from models.training.small.source import SMOLLM2
from models.training.small.summaries import Summaries
from models.training.soft_labels import SOFT_LABELS
from models.training.teachers.encoder import Encoder

__all__ = ["Material", "MaterialConfig", "add_material_options", "draw_material", "taken_material"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MaterialConfig:
    """How much of what.

    Attributes:
        judged_data: The evaluation data: O*NET's words are learnt from, its judged queries are held out.
        teachers: Folder of the embedding models' weights; None does without their lessons.
        summaries: File of what the summarizer wrote for the ads; None does without.
        seed: Of ads and order.
        ads: Ads in O*NET's words.
        queries: Queries over them; the last ones draw the learning curve and are not learnt from.
        development: How many those are.
        generated_postings: Of the generator's training world.
        generated_queries: Over them.
        mix: What a step holds.
    """

    judged_data: Path = DEFAULT_FOLDER
    teachers: Path | None = None
    summaries: Path | None = None
    seed: int = 7
    ads: int = 6000
    queries: int = 6000
    development: int = 16
    generated_postings: int = 6000
    generated_queries: int = 9000
    mix: Mix = field(default_factory=Mix)


@dataclass(frozen=True, slots=True)
class Material:
    """What was drawn.

    Attributes:
        data: Pairs of each step.
        generated: The generator's world as the ranker reads it.
        development: Queries that are not learnt from.
        held_out: Generated queries that are not learnt from.
        provenance: What it is, for the manifest.
    """

    data: SmallRankerData
    generated: RankerData
    development: OccupationWorld
    held_out: Corpus
    provenance: Mapping[str, Any]


def draw_material(config: MaterialConfig, text: TextTokenizer, prompt: RankerPrompt, limits: PromptLimits) -> Material:
    """Draw it; the same arguments give the same.

    Args:
        config: How much of what.
        text: The ranker's tokenizer.
        prompt: As it is served.
        limits: Of the prompt.

    Raises:
        ConfigurationError: The evaluation data, the teachers' weights or the summaries are not there.
    """
    summaries = None if config.summaries is None else Summaries.read(config.summaries)
    world = draw_world(find_evaluation_data(config.judged_data), config.seed, config.ads, config.queries)
    learnt, development = world.split(config.development)
    lessons, taught = TitleLessons(world.titles, world.occupations, world.esco), None
    if config.teachers is not None:
        _log.info("the teachers read titles: some minutes of one core")
        encoders = [Encoder(teacher, config.teachers) for teacher in TEACHERS]
        taught = teacher_lessons(learnt, lessons, encoders, config.seed)
    corpus = training_corpus(config.generated_postings, config.generated_queries)
    generated = RankerData(corpus.judged, text, prompt, limits.header, config.seed)
    sources = Sources(learnt, lessons, taught, generated, summaries)
    return Material(
        data=SmallRankerData(sources, text, prompt, limits, config.mix, config.seed),
        generated=generated,
        development=development,
        held_out=evaluation_corpus(),
        provenance={
            "base": SMOLLM2.provenance,
            "seed": config.seed,
            "teachers": [] if config.teachers is None else [teacher.sha256 for teacher in TEACHERS],
            "summaries_sha256": None if summaries is None else summaries.digest(),
            "ads": len(learnt.ads),
            "queries": len(learnt.rankings),
            "occupations_taught": len(learnt.occupations),
            "mix": asdict(config.mix),
            "world_sha256": learnt.digest(),
            "generated_sha256": data_digest(corpus.postings, corpus.judged),
            "soft_labels": list(SOFT_LABELS),
        },
    )


def add_material_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that :func:`taken_material` takes."""
    defaults = MaterialConfig()
    parser.add_argument("--teachers", type=Path, help="folder of the embedding models' weights: learn from them too")
    parser.add_argument("--summaries", type=Path, help="what `precis train small-summaries` wrote: ads are read so too")
    parser.add_argument("--judged-data", type=Path, default=defaults.judged_data, help="evaluation data")
    for name, said in (
        ("seed", "of what is drawn and learnt"),
        ("ads", "ads in O*NET's words"),
        ("queries", "queries over them"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=getattr(defaults, name), help=f"{said} (default: %(default)s)"
        )


def taken_material(options: dict[str, Any]) -> MaterialConfig:
    """Take the options of :func:`add_material_options` out of parsed ones."""
    return MaterialConfig(**{name: options.pop(name) for name in _OPTIONS})


_OPTIONS = ("teachers", "summaries", "judged_data", "seed", "ads", "queries")
