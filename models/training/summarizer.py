"""Train the tiny summarizer: ``python -m models.training.summarizer --out DIR``.

Supervised fine-tuning from random weights on extractive targets: the fact phrases of the body, in document order.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from models.bundle import Manifest, PromptLimits, Role
from models.prompts import SummarizerPrompt
from models.training.architecture import TINY, CausalModel, Shape, build_model
from models.training.command_line import run_recipe
from models.training.corpora import evaluation_corpus, text_tokenizer, tiny_tokenizer, training_corpus
from models.training.curriculum import stage_at
from models.training.curve import Curve
from models.training.export import export_weights, load_weights, versions, write_manifest
from models.training.identity import data_digest, fingerprint
from models.training.loop import LoopConfig, LossOfStep, train
from models.training.optimiser import OptimiserConfig
from models.training.rate_options import add_rates, taken_rates
from models.training.summarizer_data import CURRICULUM, SummarizerData
from models.training.summarizer_objective import losses_of_answers, mean_loss
from models.training.summarizer_report import measure_summarizer, summarizer_canaries

__all__ = ["SummarizerConfig", "main"]

_MICRO_BATCH_TOKENS = 3000
_MEASURED_POSTINGS = 24
_CANARIES = 3


@dataclass(frozen=True, slots=True)
class SummarizerConfig:
    """A training run.

    Attributes:
        out: Folder of the bundle.
        seed: Of weights and order of examples.
        threads: Of torch; the sums of other thread counts differ in their last bits.
        steps: Optimiser steps.
        evaluated: Number of held-out postings that are summarised in the end.
        postings: Training postings; smaller numbers give the data-scaling curve.
        measured_every: Steps between rows of the learning curve, a CSV file beside the bundle.
    """

    out: Path
    seed: int = 7
    threads: int = 2
    steps: int = 800
    evaluated: int = 200
    postings: int = 6000
    measured_every: int = 100
    shape: Shape = TINY
    optimiser: OptimiserConfig = OptimiserConfig(matrix_rate=5e-3, other_rate=5e-3)


def main(config: SummarizerConfig) -> Manifest:
    """Train, measure and write the bundle.

    Returns:
        The manifest, measured metrics in it.
    """
    torch.set_num_threads(config.threads)
    tokenizer = tiny_tokenizer(Role.SUMMARIZER)
    text, limits = text_tokenizer(tokenizer), PromptLimits()
    prompt = SummarizerPrompt(text, limits)
    corpus, held_out = training_corpus(config.postings, queries=0), evaluation_corpus()
    model = build_model(config.shape, tokenizer.get_vocab_size(), config.seed)
    data = SummarizerData(corpus.postings, text, prompt, limits.body, config.seed)
    provenance = {
        "command": "python -m models.training.summarizer",
        "seed": config.seed,
        "steps": config.steps,
        "threads": config.threads,
        "data_sha256": data_digest(corpus.postings),
        "shape": asdict(config.shape),
        "optimiser": asdict(config.optimiser),
        "curriculum": [asdict(stage) for stage in CURRICULUM],
        "versions": dict(versions()),
    }
    loop = LoopConfig(config.steps, config.out.with_suffix(".checkpoint"), fingerprint(provenance))
    held_out_data = SummarizerData(held_out.postings, text, prompt, limits.body, config.seed)
    measured = [held_out_data.example(posting) for posting in held_out.postings[:_MEASURED_POSTINGS]]
    curve = Curve(
        config.out.with_suffix(".curve.csv"),
        config.measured_every,
        lambda: mean_loss(model, measured, _MICRO_BATCH_TOKENS),
    )
    loss = train(model, _losses(model, data, config.steps), loop, config.optimiser, "summarizer", curve)
    export_weights(model, tokenizer, config.out)
    model = load_weights(config.out)
    metrics = measure_summarizer(model, text, prompt, held_out.postings[: config.evaluated])
    manifest = Manifest(
        role=Role.SUMMARIZER,
        name="summarizer-tiny",
        prompt_version=prompt.version,
        is_extractive=True,
        limits=limits,
        canaries=summarizer_canaries(model, text, prompt, held_out.postings[:_CANARIES]),
        provenance=provenance,
        metrics={"train_loss": round(loss, 4), **metrics},
    )
    write_manifest(manifest, config.out)
    return manifest


def _losses(model: CausalModel, data: SummarizerData, steps: int) -> LossOfStep:
    def of_step(step: int) -> Iterator[torch.Tensor]:
        stage = stage_at(CURRICULUM, step, steps)
        return losses_of_answers(model, data.of_step(step, stage), _MICRO_BATCH_TOKENS, stage.prompt_weight)

    return of_step


def parse_arguments(arguments: Sequence[str] | None = None) -> SummarizerConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="models.training.summarizer", description="Train the tiny summarizer.")
    defaults = SummarizerConfig(out=Path())
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--evaluated", type=int, default=defaults.evaluated, help="held-out postings to summarise")
    parser.add_argument("--postings", type=int, default=defaults.postings, help="training postings")
    parser.add_argument("--measured-every", type=int, default=defaults.measured_every, help="steps between curve rows")
    add_rates(parser, defaults.optimiser)
    options = vars(parser.parse_args(arguments))
    optimiser = taken_rates(options, defaults.optimiser)
    return SummarizerConfig(**options, optimiser=optimiser)


if __name__ == "__main__":
    sys.exit(run_recipe(parse_arguments, main))
