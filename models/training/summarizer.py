"""Train the tiny summarizer: ``python -m models.training.summarizer --out DIR``.

Supervised fine-tuning from random weights on extractive targets: the fact phrases of the body, in document order.
"""

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Manifest, PromptLimits, Role
from models.prompts import SummarizerPrompt
from models.training.architecture import TINY, Shape, build_model
from models.training.batches import padded
from models.training.corpora import evaluation_corpus, text_tokenizer, tiny_tokenizer, training_corpus
from models.training.curriculum import stage_at
from models.training.examples import Example, micro_batches
from models.training.export import data_digest, export_weights, load_weights, versions, write_manifest
from models.training.loop import LoopConfig, LossOfStep, train
from models.training.losses import next_token_loss
from models.training.optimiser import OptimiserConfig
from models.training.summarizer_data import CURRICULUM, Stage, SummarizerData
from models.training.summarizer_report import measure_summarizer, summarizer_canaries

__all__ = ["SummarizerConfig", "main"]

_MICRO_BATCH_TOKENS = 6000
_CANARIES = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SummarizerConfig:
    """A training run.

    Attributes:
        out: Folder of the bundle.
        seed: Of weights and order of examples.
        threads: Of torch; the sums of other thread counts differ in their last bits.
        steps: Optimiser steps.
        evaluated: Number of held-out postings that are summarised in the end.
    """

    out: Path
    seed: int = 7
    threads: int = 2
    steps: int = 500
    evaluated: int = 200
    shape: Shape = TINY
    optimiser: OptimiserConfig = OptimiserConfig(matrix_rate=5e-3, other_rate=5e-3)


def main(config: SummarizerConfig) -> Manifest:
    """Train, measure and write the bundle.

    Returns:
        The manifest, measured metrics in it.
    """
    torch.set_num_threads(config.threads)
    tokenizer = tiny_tokenizer()
    text, limits = text_tokenizer(tokenizer), PromptLimits()
    prompt = SummarizerPrompt(text, limits)
    corpus, held_out = training_corpus(queries=0), evaluation_corpus()
    digest = data_digest(corpus.postings)
    model = build_model(config.shape, tokenizer.get_vocab_size(), config.seed)
    data = SummarizerData(corpus.postings, text, prompt, limits.body, config.seed)
    loop = LoopConfig(
        config.steps, config.out.with_suffix(".checkpoint"), f"summarizer/{config.seed}/{config.steps}/{digest}"
    )
    loss = train(model, _losses(model, data, config.steps), loop, config.optimiser, "summarizer")
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
        provenance={
            "command": "python -m models.training.summarizer",
            "seed": config.seed,
            "steps": config.steps,
            "threads": config.threads,
            "data_sha256": digest,
            "shape": asdict(config.shape),
            "optimiser": asdict(config.optimiser),
            "curriculum": [asdict(stage) for stage in CURRICULUM],
            "versions": dict(versions()),
        },
        metrics={"train_loss": round(loss, 4), **metrics},
    )
    write_manifest(manifest, config.out)
    return manifest


def _losses(model: Qwen3ForCausalLM, data: SummarizerData, steps: int) -> LossOfStep:
    def of_step(step: int) -> Iterator[torch.Tensor]:
        stage = stage_at(CURRICULUM, step, steps)
        examples = data.of_step(step, stage)
        for group in micro_batches(examples, _MICRO_BATCH_TOKENS):
            yield _loss(model, [examples[index] for index in group], stage) * (len(group) / len(examples))

    return of_step


def _loss(model: Qwen3ForCausalLM, examples: Sequence[Example], stage: Stage) -> torch.Tensor:
    batch = padded(examples)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        loss = next_token_loss(model, hidden, batch.ids, batch.is_target).mean()
        if stage.prompt_weight:
            loss = loss + stage.prompt_weight * next_token_loss(model, hidden, batch.ids, batch.is_prompt).mean()
    return loss


def parse_arguments(arguments: Sequence[str] | None = None) -> SummarizerConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="models.training.summarizer", description="Train the tiny summarizer.")
    defaults = SummarizerConfig(out=Path())
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--evaluated", type=int, default=defaults.evaluated, help="held-out postings to summarise")
    options = parser.parse_args(arguments)
    return SummarizerConfig(options.out, options.seed, options.threads, options.steps, options.evaluated)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _log.info("metrics: %s", main(parse_arguments()).metrics)
