"""Train the small summarizer: ``precis train small-summarizer --out DIR``.

Supervised fine-tuning of SmolLM2-135M-Instruct by a low-rank adapter on extractive targets: the warm start of GSPO.
Half of what it learns from are ads whose facts are known (:mod:`told_ads`), half is the generator's training world.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch

from models.bundle import Manifest, PromptLimits, Role
from models.prompts import SummarizerPrompt
from models.training.architecture import CausalModel, count_parameters
from models.training.command_line import run_recipe
from models.training.corpora import evaluation_corpus, training_corpus
from models.training.examples import Example
from models.training.identity import data_digest
from models.training.judged import find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.small.adapter import adapter_provenance
from models.training.small.marks import marked_tokenizer
from models.training.small.running import Run, RunConfig, add_base_options, add_run_options, begun, taken_run
from models.training.small.source import SMOLLM2
from models.training.small.teachable import Teachable
from models.training.small.told_ads import ToldAds
from models.training.summarizer_data import Stage, SummarizerData
from models.training.summarizer_objective import losses_of_answers, mean_loss
from models.training.summarizer_report import measure_summarizer, summarizer_canaries

__all__ = ["SmallSummarizerConfig", "main"]

_MICRO_BATCH_TOKENS, _LEAST_LENGTH = 4000, 0.6
_STAGE = Stage(share=1.0, tokens=2500, nonsense=0.2, noise=0.2)
_RUN, _LAYERS = RunConfig(steps=300, rank=8, measured_every=100), 20
_MEASURED, _CANARIES = 16, 3


@dataclass(frozen=True, slots=True)
class SmallSummarizerConfig:
    """A training run.

    Attributes:
        out: Folder of the adapter and its ``precis.json``.
        base: What `precis bundle fetch small` made.
        start: Folder of the adapter to go on from; None begins anew.
        layers: The last ones, which the adapter changes; the first ones stay as they are.
        judged_data: The evaluation data: what they leave to be taught is learnt from.
        seed: Of what is drawn and of the adapter.
        postings: Of the generator's training world.
        evaluated: Held-out postings that are summarised in the end.
        run: How it goes.
    """

    out: Path
    base: Path
    start: Path | None = None
    layers: int = _LAYERS
    judged_data: Path = DEFAULT_FOLDER
    seed: int = 7
    postings: int = 6000
    evaluated: int = 24
    run: RunConfig = _RUN


def main(config: SmallSummarizerConfig) -> Manifest:
    """Train, and write the adapter with the manifest of the bundle that it makes of the base.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: The data or the adapter to go on from are not there.
    """
    torch.set_num_threads(config.run.threads)
    text, limits = marked_tokenizer(config.base, folds_case=False), PromptLimits()
    prompt, held_out = SummarizerPrompt(text, limits), evaluation_corpus()
    source = Teachable.of(find_evaluation_data(config.judged_data))
    corpus, told = training_corpus(config.postings, queries=0), ToldAds(source)
    data = SummarizerData(corpus.postings, text, prompt, limits.body, config.seed)
    about = {
        "command": "python -m models.training.small.summarizer",
        "base": SMOLLM2.provenance,
        "start": adapter_provenance(config.start),
        "layers": config.layers,
        "seed": config.seed,
        "stage": asdict(_STAGE),
        "told_sha256": told.digest(),
        "generated_sha256": data_digest(corpus.postings),
    }
    run = Run("summarizer-small", config.out, config.run, about)
    model, adapted = begun(config.run, config.base, config.layers, config.start, config.seed)

    def of_step(step: int) -> Iterator[torch.Tensor]:
        examples = [*data.of_step(step, _STAGE), *_told_examples(data, told, Random(f"{config.seed}/told/{step}"))]
        return losses_of_answers(model, examples, _MICRO_BATCH_TOKENS, least_length=_LEAST_LENGTH)

    rng = Random(f"{config.seed}/development")
    postings = [*held_out.postings[:_MEASURED], *(told.draw(rng) for _ in range(_MEASURED))]
    measured = [data.example(posting) for posting in postings]
    loss = run.learn(model, of_step, lambda: mean_loss(model, measured, _MICRO_BATCH_TOKENS))

    def manifest_of(stored: CausalModel) -> Manifest:
        return Manifest(
            role=Role.SUMMARIZER,
            name=run.name,
            prompt_version=prompt.version,
            is_extractive=True,
            limits=limits,
            canaries=summarizer_canaries(stored, text, prompt, held_out.postings[:_CANARIES]),
            provenance=run.provenance,
            metrics={
                "parameters": float(count_parameters(stored)),
                "train_loss": round(loss, 4),
                "development_loss": round(mean_loss(stored, measured, _MICRO_BATCH_TOKENS), 4),
                **measure_summarizer(stored, text, prompt, held_out.postings[: config.evaluated]),
            },
        )

    return run.store(adapted, config.base, manifest_of)


def _told_examples(data: SummarizerData, told: ToldAds, rng: Random) -> list[Example]:
    """As many tokens as the generated postings of a step have."""
    examples: list[Example] = []
    while sum(map(len, examples)) < _STAGE.tokens:
        examples.append(data.example(told.draw(rng)))
    return examples


def parse_arguments(arguments: Sequence[str] | None = None) -> SmallSummarizerConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="precis train small-summarizer", description="Train its adapter.")
    add_base_options(parser, _LAYERS)
    parser.add_argument("--judged-data", type=Path, default=DEFAULT_FOLDER, help="evaluation data")
    defaults = SmallSummarizerConfig(out=Path(), base=Path())
    for name, said in (
        ("seed", "of what is drawn and learnt"),
        ("postings", "generated training postings"),
        ("evaluated", "held-out postings to summarise in the end"),
    ):
        option = f"--{name}"
        parser.add_argument(option, type=int, default=getattr(defaults, name), help=f"{said} (default: %(default)s)")
    add_run_options(parser, _RUN)
    options = vars(parser.parse_args(arguments))
    return SmallSummarizerConfig(run=taken_run(options, _RUN), **options)


if __name__ == "__main__":
    sys.exit(run_recipe(parse_arguments, main))
