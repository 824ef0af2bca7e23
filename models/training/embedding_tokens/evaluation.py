"""``precis eval embeddings``: the curve of vectors and texts on held-out queries.

    precis eval embeddings --encoder build/embeddings/encoder --ranker BUNDLE --json

All ways of reading are by the same ranker, of the same items, for the same queries. ``--record FOLDER`` keeps the rows
in the form in which ``precis eval report`` prints recorded runs.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from models.bundle import Bundle, Role, load_bundle
from models.training.command_line import training_command
from models.training.embedding_tokens.bundle import load_encoder, read_manifest
from models.training.embedding_tokens.measuring import Bench
from models.training.embedding_tokens.objective import lengths
from models.training.embedding_tokens.places import Source
from models.training.embedding_tokens.points import Point, Reads
from models.training.embedding_tokens.record import recorded_run, table
from models.training.embedding_tokens.rows import rows_of
from models.training.judged import JudgedSet
from models.training.report.recording import write_recorded
from models.training.report.texts import write_summaries
from models.training.report.worlds import held_out_set, trimmed
from schemas.errors import ConfigurationError

__all__ = ["EvaluationConfig", "evaluate", "main"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """What to measure."""

    encoder: Path
    """Folder that ``precis train embeddings`` wrote."""
    ranker: Path
    """The bundle that the encoder belongs to."""
    summarizer: Path | None = None
    """Bundle whose summaries are cut as well; None for none."""
    num_queries: int = 120
    """Held-out queries."""
    is_unseen: bool = False
    """Queries for occupations that training never saw, instead of known ones in unknown words."""
    is_bfloat16: bool = False
    """What the engine computes in; float32 otherwise."""
    threads: int = 1
    """Of torch."""

    def __post_init__(self) -> None:
        for name in ("num_queries", "threads"):
            if getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}: at least 1"
                raise ConfigurationError(message)


def evaluate(config: EvaluationConfig) -> dict[str, Any]:
    """Measure every length.

    Returns:
        ``rows`` of :func:`rows_of`, and what they were measured with.

    Raises:
        ConfigurationError: A bundle or the encoder is missing, or they do not belong together.
    """
    ranker = load_bundle(config.ranker, Role.RANKER)
    encoder, manifest = load_encoder(config.encoder, ranker), read_manifest(config.encoder)
    summarizer = load_bundle(config.summarizer, Role.SUMMARIZER) if config.summarizer else None
    torch.set_num_threads(config.threads)
    judged = trimmed(held_out_set(config.num_queries, is_unseen=config.is_unseen), config.num_queries)
    bench = Bench(ranker, judged, torch.bfloat16 if config.is_bfloat16 else torch.float32)
    points = list(
        _points(
            bench,
            bench.encoded(encoder, _source(judged, manifest.source)),
            lengths(encoder.num_slots),
            judged,
            summarizer,
        )
    )
    return {
        "config": {
            "ranker": {"name": ranker.manifest.name, "revision": ranker.revision},
            "encoder": manifest.model_dump(mode="json", exclude={"metrics"}),
            "summarizer": summarizer.revision if summarizer else None,
            "set": judged.title,
            "queries": len(judged.rankings),
            "items": len(judged.items),
            "dtype": "bfloat16" if config.is_bfloat16 else "float32",
        },
        "body_tokens": round(bench.body_tokens, 1),
        "header_tokens": round(bench.header_tokens, 1),
        "rows": rows_of(points, bench.body_tokens, bench.header_tokens),
    }


def _points(
    bench: Bench, encoded: dict[str, torch.Tensor], ks: Sequence[int], judged: JudgedSet, summarizer: Bundle | None
) -> Iterator[Point]:
    """What has no length first, then each length; what is done is logged, for whole bodies take a while."""
    items = judged.items
    texts = {
        Reads.TARGET: {key: item.target or "" for key, item in items.items()},
        Reads.LEAD: {key: item.body for key, item in items.items()},
    }
    if summarizer is not None:
        texts[Reads.WRITTEN] = write_summaries(summarizer, list(items.values()), bench.extract).texts
    yield _logged(bench.text(Reads.NOTHING, dict.fromkeys(items, "")))
    yield _logged(bench.text(Reads.BODY, texts[Reads.LEAD]))
    yield from (_logged(bench.text(reads, text)) for reads, text in texts.items() if reads is not Reads.LEAD)
    for k in ks:
        yield _logged(bench.vectors(encoded, k))
        yield _logged(bench.strange_vectors(encoded, k))
        yield from (_logged(bench.text(reads, text, k)) for reads, text in texts.items())


def _source(judged: JudgedSet, source: Source) -> dict[str, str]:
    """What the encoder reads: summaries are perfect ones, so that vectors answer for what they lose and no more."""
    return {key: item.body if source is Source.BODY else item.target or "" for key, item in judged.items.items()}


def _logged(point: Point) -> Point:
    length = "" if point.limit is None else f", {point.limit}"
    _log.info("%s%s: nDCG@10 %.4f", point.reads, length, sum(point.ndcg) / len(point.ndcg))
    return point


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    defaults = EvaluationConfig(Path(), Path())
    parser = argparse.ArgumentParser(
        prog="precis eval embeddings", description="Measure vectors and texts of 1 to K tokens on held-out queries."
    )
    parser.add_argument("--encoder", type=Path, required=True, help="folder that `precis train embeddings` wrote")
    parser.add_argument("--ranker", type=Path, required=True, help="the bundle that the encoder belongs to")
    parser.add_argument("--summarizer", type=Path, help="bundle whose summaries are cut as well (default: none)")
    parser.add_argument("--queries", type=int, default=defaults.num_queries, help="default: %(default)s")
    parser.add_argument("--unseen", action="store_true", help="queries for occupations that training never saw")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="what rankings compute in")
    parser.add_argument("--threads", type=int, default=defaults.threads, help="of torch")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep the rows for `precis eval report` there")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="of the record (default: today)")
    return parser.parse_args(arguments)


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, measure, print; the exit status."""
    options = parse_arguments(arguments)
    config = EvaluationConfig(
        options.encoder,
        options.ranker,
        options.summarizer,
        options.queries,
        is_unseen=options.unseen,
        is_bfloat16=options.dtype == "bfloat16",
        threads=options.threads,
    )
    found = evaluate(config)
    if options.record:
        _log.info("written: %s", write_recorded(recorded_run(found, options.date), options.record))
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if options.json else "\n".join(table(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
