"""Train the tiny ranker: ``python -m models.training.ranker --out DIR``.

Supervised fine-tuning: the probability of the answer `` yes`` is taught to follow the grade (KL to soft labels). From
random weights short pairs come first, and with them the tokens of relevant pairs, which ties queries to titles.
``--from BUNDLE`` goes on from a ranker that was trained so: it learns to read whole bodies beside summaries.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from models.bundle import Manifest, PromptLimits, Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.architecture import ATTENTION_IN_TRAINING, TINY, CausalModel, Shape, build_model
from models.training.command_line import run_recipe
from models.training.corpora import evaluation_corpus, text_tokenizer, tiny_tokenizer, training_corpus
from models.training.curriculum import stage_at
from models.training.curve import Curve
from models.training.export import export_weights, load_weights, versions, write_manifest
from models.training.identity import data_digest, fingerprint
from models.training.lessons import Lessons
from models.training.loop import LoopConfig, LossOfStep, train
from models.training.optimiser import OptimiserConfig
from models.training.ranker_curriculum import CURRICULUM, CURRICULUM_OF_BODIES, Stage
from models.training.ranker_data import RankerData
from models.training.ranker_objective import losses_of_pairs
from models.training.ranker_report import measure_ranker, ndcg_now, ranker_canaries
from models.training.rate_options import add_rates, taken_rates
from models.training.soft_labels import SOFT_LABELS
from schemas.errors import ConfigurationError

__all__ = ["RankerConfig", "add_numbers", "main"]

_SHAPE = replace(TINY, mlp=160)
"""Of this width 40 % and 90 % are multiples of 16 neurons: pruning takes what its ratios say."""
_MICRO_BATCH_TOKENS = 3000
_MEASURED_QUERIES = 32


@dataclass(frozen=True, slots=True)
class RankerConfig:
    """A training run.

    Attributes:
        out: Folder of the bundle.
        seed: Of weights, order of pairs, and the random baseline.
        threads: Of torch; the sums of other thread counts differ in their last bits.
        steps: Optimiser steps.
        evaluated: Number of held-out queries that are ranked in the end, of known and of unseen occupations each.
        postings: Training postings.
        queries: Training queries; smaller numbers of both give the data-scaling curve.
        measured_every: Steps between rows of the learning curve, a CSV file beside the bundle.
        start: Bundle of the ranker that learns on, whole bodies among its pairs; None: from random weights, without.
        shape: Of random weights.
        optimiser: Rates.
    """

    out: Path
    seed: int = 7
    threads: int = 2
    steps: int = 3000
    evaluated: int = 300
    postings: int = 6000
    queries: int = 9000
    measured_every: int = 100
    start: Path | None = None
    shape: Shape = _SHAPE
    optimiser: OptimiserConfig = OptimiserConfig(matrix_rate=4e-3, other_rate=4e-3, cool_down=0.5)


def main(config: RankerConfig) -> Manifest:
    """Train, measure and write the bundle.

    Returns:
        The manifest, measured metrics in it.
    """
    torch.set_num_threads(config.threads)
    tokenizer = tiny_tokenizer(Role.RANKER)
    text, limits = text_tokenizer(tokenizer), PromptLimits()
    prompt = RankerPrompt(text, limits)
    corpus = training_corpus(config.postings, config.queries)
    held_out, unseen = (evaluation_corpus(config.evaluated, is_unseen=is_unseen) for is_unseen in (False, True))
    curriculum = CURRICULUM if config.start is None else CURRICULUM_OF_BODIES
    model, begun = _begun(config, tokenizer.get_vocab_size(), text.digest)
    lessons = Lessons(corpus.postings)
    data = RankerData(corpus.judged, text, prompt, limits.header, config.seed, lessons)
    provenance = {
        "command": "python -m models.training.ranker",
        "seed": config.seed,
        "steps": config.steps,
        "threads": config.threads,
        "data_sha256": data_digest(corpus.postings, corpus.judged),
        "soft_labels": list(SOFT_LABELS),
        "curriculum": [asdict(stage) for stage in curriculum],
        **begun,
        "optimiser": asdict(config.optimiser),
        "versions": dict(versions()),
    }
    loop = LoopConfig(config.steps, config.out.with_suffix(".checkpoint"), fingerprint(provenance))
    curve = Curve(
        config.out.with_suffix(".curve.csv"),
        config.measured_every,
        lambda: ndcg_now(model, prompt, data, held_out.judged[:_MEASURED_QUERIES]),
    )
    losses = _losses(model, data, prompt.label_token_ids, curriculum, config.steps)
    loss = train(model, losses, loop, config.optimiser, "ranker", curve)
    export_weights(model, tokenizer, config.out)
    model = load_weights(config.out)
    manifest = Manifest(
        role=Role.RANKER,
        name="ranker-tiny",
        prompt_version=prompt.version,
        limits=limits,
        label_token_ids=prompt.label_token_ids,
        canaries=ranker_canaries(model, prompt, data, held_out.judged),
        provenance=provenance,
        metrics={
            "train_loss": round(loss, 4),
            **measure_ranker(model, prompt, data, (held_out, unseen), config.seed),
        },
    )
    write_manifest(manifest, config.out)
    return manifest


def _begun(config: RankerConfig, vocabulary_size: int, tokenizer_digest: str) -> tuple[CausalModel, dict[str, Any]]:
    """The weights that training begins with, and what the provenance says of them."""
    if config.start is None:
        return build_model(config.shape, vocabulary_size, config.seed), {"shape": asdict(config.shape)}
    bundle = load_bundle(config.start, Role.RANKER)
    if TextTokenizer.from_file(bundle.tokenizer_file).digest != tokenizer_digest:
        message = f"bundle {str(config.start)!r} has another tokenizer than the tiny models: it cannot learn on here"
        raise ConfigurationError(message)
    model = load_weights(config.start)
    model.set_attn_implementation(ATTENTION_IN_TRAINING)
    before = bundle.manifest.provenance
    return model, {"start": {"revision": bundle.revision, "provenance": before}}


def _losses(
    model: CausalModel, data: RankerData, label_ids: tuple[int, int], curriculum: Sequence[Stage], steps: int
) -> LossOfStep:
    def of_step(step: int) -> Iterator[torch.Tensor]:
        stage = stage_at(curriculum, step, steps)
        pairs = data.of_step(step, stage)
        return losses_of_pairs(model, pairs, label_ids, _MICRO_BATCH_TOKENS, stage.language_weight)

    return of_step


def add_numbers(parser: argparse.ArgumentParser, defaults: RankerConfig) -> None:
    """Add the options for a run's numbers, those of the optimiser and of the shape left out."""
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--evaluated", type=int, default=defaults.evaluated, help="held-out queries to rank")
    parser.add_argument("--postings", type=int, default=defaults.postings, help="training postings")
    parser.add_argument("--queries", type=int, default=defaults.queries, help="training queries")
    parser.add_argument("--measured-every", type=int, default=defaults.measured_every, help="steps between curve rows")


def parse_arguments(arguments: Sequence[str] | None = None) -> RankerConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="models.training.ranker", description="Train the tiny ranker.")
    defaults = RankerConfig(out=Path())
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    add_numbers(parser, defaults)
    parser.add_argument("--from", dest="start", type=Path, help="bundle of a ranker that learns on, with whole bodies")
    add_rates(parser, defaults.optimiser)
    parser.add_argument("--mlp", type=int, default=defaults.shape.mlp, help="width of the MLPs")
    options = vars(parser.parse_args(arguments))
    optimiser = taken_rates(options, defaults.optimiser)
    shape = replace(defaults.shape, mlp=options.pop("mlp"))
    return RankerConfig(**options, shape=shape, optimiser=optimiser)


if __name__ == "__main__":
    sys.exit(run_recipe(parse_arguments, main))
