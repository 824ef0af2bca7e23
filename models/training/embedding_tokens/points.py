"""A point of the curve: one way to read the items, at one length. Plain data, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Point", "Reads"]


class Reads(StrEnum):
    """What stands below the header."""

    VECTORS = "vectors"
    STRANGE = "vectors of another item"
    """Control: what is gained by there being vectors at all, whatever they say."""
    TARGET = "target summary"
    """All facts of the body: what a perfect summarizer writes."""
    WRITTEN = "written summary"
    """What the summarizer writes, where one is given."""
    LEAD = "first tokens"
    """The beginning of the body."""
    NOTHING = "nothing"
    BODY = "whole body"


@dataclass(frozen=True, slots=True)
class Point:
    """A way to read the items, measured.

    Attributes:
        reads: What stands below the header.
        limit: k: number of vectors, or most tokens of a text; None for a text that is not cut.
        tokens: Rows of the ranker's input below the header, mean over items.
        stored_bytes: What a store keeps for them, mean over items: vectors in bfloat16, text in UTF-8.
        ndcg: nDCG@10 of each query.
    """

    reads: Reads
    limit: int | None
    tokens: float
    stored_bytes: float
    ndcg: Sequence[float]
