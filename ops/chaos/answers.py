"""What the harness's engine answers: pure functions of what it is asked, so that the oracle knows them too."""

import hashlib
import struct
import zlib
from collections.abc import Sequence

__all__ = ["MARK", "score_of", "summary_of"]

MARK = "Reference"
"""A line that begins with it is in every summary, so an edit of that line changes the summary."""

_MAX_PHRASES = 4
_KEEP_ONE_IN = 3


def summary_of(body: str) -> str:
    """Some lines of the body, word for word and in its order, joined by ``; ``.

    Args:
        body: The text that the prompt was made of.

    Returns:
        One line; empty for an empty body.
    """
    lines = list(dict.fromkeys(line.strip("- ") for line in body.splitlines()))
    phrases = [line for line in lines if line]
    marked = [phrase for phrase in phrases if phrase.startswith(MARK)]
    others = [phrase for phrase in phrases if zlib.crc32(phrase.encode()) % _KEEP_ONE_IN == 0]
    chosen = set((marked or phrases[:1]) + others[:_MAX_PHRASES])
    return "; ".join(phrase for phrase in phrases if phrase in chosen)


def score_of(query_ids: Sequence[int], item_ids: Sequence[int]) -> float:
    """A number in [0, 1] that any change of query or item changes."""
    ids = [len(query_ids), *query_ids, *item_ids]
    digest = hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
