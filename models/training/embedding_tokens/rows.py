"""The curve as rows: every way to read, at every length, beside the whole body and beside text of the same length."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.training.embedding_tokens.points import Point, Reads
from models.training.significance import Interval, mean, relative_difference

__all__ = ["rows_of"]

_DIGITS = 4


def rows_of(points: Sequence[Point], body_tokens: float, header_tokens: float) -> list[dict[str, Any]]:
    """One row a point, as JSON has it.

    Args:
        points: One of them of the whole body, one of nothing.
        body_tokens: Mean length of a body.
        header_tokens: Mean length of a header.

    Returns:
        ``reads``, ``k`` (None where nothing is cut), ``tokens`` below the header, ``compression`` (share of the body
        that is saved), ``item_compression`` (of header and body), ``stored_bytes``, ``ndcg_at_10``, and its relative
        differences ``beside_body`` and ``beside_nothing``; of vectors also ``beside_target``, ``beside_lead`` and
        ``beside_strange`` of the same k. NDCG and differences are value, low and high of the 95 % interval.
    """
    known = {(point.reads, point.limit): point for point in points}
    body, nothing = known[Reads.BODY, None], known[Reads.NOTHING, None]
    return [
        {
            "reads": point.reads.value,
            "k": point.limit,
            "tokens": round(point.tokens, 1),
            "compression": round(1 - point.tokens / body_tokens, _DIGITS),
            "item_compression": round(1 - (header_tokens + point.tokens) / (header_tokens + body_tokens), _DIGITS),
            "stored_bytes": round(point.stored_bytes),
            "ndcg_at_10": _plain(mean(point.ndcg)),
            "beside_body": _beside(point, body),
            "beside_nothing": _beside(point, nothing),
            **_beside_of_vectors(point, known),
        }
        for point in points
    ]


def _beside_of_vectors(point: Point, known: Mapping[tuple[Reads, int | None], Point]) -> dict[str, Any]:
    if point.reads is not Reads.VECTORS:
        return {}
    others = {"beside_target": Reads.TARGET, "beside_lead": Reads.LEAD, "beside_strange": Reads.STRANGE}
    return {
        name: _beside(point, known[reads, point.limit])
        for name, reads in others.items()
        if (reads, point.limit) in known
    }


def _beside(point: Point, other: Point) -> list[float]:
    return _plain(relative_difference(point.ndcg, other.ndcg))


def _plain(interval: Interval) -> list[float]:
    return [round(value, _DIGITS) for value in (interval.value, interval.low, interval.high)]
