"""What a training of an encoder is, and its command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.training.embedding_tokens.places import Source
from models.training.optimiser import OptimiserConfig
from models.training.rate_options import add_rates, taken_rates
from schemas.errors import ConfigurationError

__all__ = ["EmbeddingsConfig", "parse_arguments"]


@dataclass(frozen=True, slots=True)
class EmbeddingsConfig:
    """A training run.

    Attributes:
        out: Folder of the run: ``encoder``, ``curve.csv``, ``ranker`` where it learns too, a checkpoint while it lasts.
        ranker: Bundle to start from: the encoder's first weights, and the reader of its vectors.
        is_joint: Whether the ranker learns too. Frozen it reads text and vectors from one store, as it is.
        source: What the encoder reads.
        num_vectors: K, the most vectors of an item.
        steps: Optimiser steps.
        seed: Of the learnt tokens, the items and the numbers of vectors.
        threads: Of torch; the sums of other thread counts differ in their last bits.
        postings: Training postings.
        queries: Training queries.
        measured_every: Steps between rows of the learning curve.
        held_out: Held-out postings that the learning curve is measured on.
        optimiser: Rates.
    """

    out: Path
    ranker: Path
    is_joint: bool = False
    source: Source = Source.BODY
    num_vectors: int = 32
    steps: int = 400
    seed: int = 7
    threads: int = 1
    postings: int = 6000
    queries: int = 9000
    measured_every: int = 100
    held_out: int = 16
    optimiser: OptimiserConfig = OptimiserConfig(matrix_rate=2e-3, other_rate=2e-3)

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            ConfigurationError: A number out of range.
        """
        for name in ("num_vectors", "steps", "threads", "postings", "queries", "measured_every", "held_out"):
            if getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}: at least 1"
                raise ConfigurationError(message)
        for name in ("matrix_rate", "other_rate"):
            if not getattr(self.optimiser, name) > 0:
                message = f"{name} is {getattr(self.optimiser, name)}: more than 0"
                raise ConfigurationError(message)


def parse_arguments(arguments: Sequence[str] | None = None) -> EmbeddingsConfig:
    """Read the command line.

    Raises:
        ConfigurationError: A number out of range.
    """
    parser = argparse.ArgumentParser(
        prog="precis train embeddings", description="Train an encoder whose vectors stand for the body of an item."
    )
    defaults = EmbeddingsConfig(Path(), Path())
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--ranker", type=Path, required=True, help="bundle to start from, which reads the vectors")
    parser.add_argument("--joint", action="store_true", dest="is_joint", help="the ranker learns too")
    parser.add_argument("--source", type=Source, choices=list(Source), default=defaults.source, help="what it reads")
    parser.add_argument("--num-vectors", type=int, default=defaults.num_vectors, help="most vectors of an item")
    parser.add_argument("--steps", type=int, default=defaults.steps)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=defaults.threads, help="of torch")
    parser.add_argument("--postings", type=int, default=defaults.postings, help="training postings")
    parser.add_argument("--queries", type=int, default=defaults.queries, help="training queries")
    parser.add_argument("--measured-every", type=int, default=defaults.measured_every, help="steps between curve rows")
    parser.add_argument(
        "--held-out", type=int, default=defaults.held_out, help="postings that the curve is measured on"
    )
    add_rates(parser, defaults.optimiser, left_out={"cool_down"})
    options = vars(parser.parse_args(arguments))
    optimiser = taken_rates(options, defaults.optimiser)
    return EmbeddingsConfig(**options, optimiser=optimiser)
