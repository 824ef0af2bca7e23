"""The rows for people, and as a recorded run (``precis.recorded/1``) for ``precis eval report``. Pure, no torch."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.training.embedding_tokens.points import Reads
from models.training.report.markdown import table_lines
from models.training.report.recorded import Recorded, RecordedFigure, RecordedTable, record
from models.training.report.wording import percent, plain
from models.training.significance import Interval

__all__ = ["recorded_run", "table"]

_HEAD = (
    "reads",
    "k",
    "of the body saved",
    "of the item",
    "bytes",
    "NDCG@10",
    "to the body",
    "to nothing",
    "to target of k",
    "to another item's",
)
_BESIDE = ("beside_body", "beside_nothing", "beside_target", "beside_strange")


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines of Markdown: one row a way to read.

    Args:
        found: What :func:`models.training.embedding_tokens.evaluation.evaluate` gave.
    """
    config = found["config"]
    yield f"{config['queries']} {config['set']}, {config['items']} items, ranker {config['ranker']['revision']}"
    yield f"mean tokens: body {found['body_tokens']}, header {found['header_tokens']}"
    yield ""
    yield from table_lines(_HEAD, [_cells(row) for row in found["rows"]])


def recorded_run(found: Mapping[str, Any], date: str) -> Recorded:
    """The rows, and a figure for each length of the vectors.

    Args:
        found: What :func:`models.training.embedding_tokens.evaluation.evaluate` gave.
        date: Of the run, ISO 8601.
    """
    config = {**found["config"], "body_tokens": found["body_tokens"], "header_tokens": found["header_tokens"]}
    source, is_joint = config["encoder"]["source"], config["encoder"]["provenance"]["is_joint"]
    kind = f"joint_{source}" if is_joint else source
    of_vectors = [row for row in found["rows"] if row["reads"] == Reads.VECTORS]
    return record(
        name=f"embedding-tokens-{kind.replace('_', '-')}",
        title=f"Embedding tokens of the {source} beside text of the same length"
        + (", encoder and ranker trained together" if is_joint else ""),
        command=f"precis eval embeddings --queries {config['queries']} --dtype {config['dtype']}",
        date=date,
        config=config,
        figures=(figure for row in of_vectors for figure in _figures(row, source, kind)),
        tables=(RecordedTable(title="NDCG@10 by length", head=_HEAD, rows=tuple(map(_cells, found["rows"]))),),
        remarks=_remarks(found),
    )


def _figures(row: Mapping[str, Any], source: str, kind: str) -> Iterator[RecordedFigure]:
    k = row["k"]
    start = (
        f"NDCG@10 with {k} embedding tokens of the {source}, {row['compression']:.1%} of the body saved, relative to"
    )
    named = {
        "relative": ("beside_body", "the whole body"),
        "over_nothing": ("beside_nothing", "the header alone"),
        "over_text": ("beside_target", f"the first {k} tokens of the target summary"),
        "over_strange": ("beside_strange", "those of another item"),
    }
    for suffix, (key, other) in named.items():
        value, low, high = row[key]
        name = f"embedding_tokens_{kind}_{k}_{suffix}"
        yield RecordedFigure(name=name, says=f"{start} {other}", value=value, low=low, high=high)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["reads"],
        "" if row["k"] is None else str(row["k"]),
        f"{row['compression']:.1%}",
        f"{row['item_compression']:.1%}",
        str(row["stored_bytes"]),
        plain(Interval(*row["ndcg_at_10"])),
        *(percent(Interval(*row[name])) if name in row else "" for name in _BESIDE),
    )


def _remarks(found: Mapping[str, Any]) -> Iterator[str]:
    config = found["config"]
    yield (
        f"{config['queries']} {config['set']}, {config['items']} items; the same ranker reads everything. "
        f"The header of {found['header_tokens']:.0f} tokens is never compressed."
    )
    yield "Vectors of another item say what is gained by there being vectors at all; what their own add is above that."
