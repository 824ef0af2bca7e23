"""A posting as the passages that a model can read: the header before each part of the body. Pure.

A model reads 512 tokens, a real ad has up to 4,000. What answers a query often stands in one sentence far down, so the
body is cut into parts of about equal length, between words, and each has the header before it: a part alone does not
say what job it is of.
"""

from collections.abc import Callable, Sequence

__all__ = ["MAX_HEADER_TOKENS", "Offsets", "passages"]

MAX_HEADER_TOKENS = 96
"""Longer headers (long lists of skills) are cut: they would leave no room for the body."""

Span = tuple[int, int]
Offsets = Callable[[str], Sequence[Span]]
"""Where each token of a text begins and ends, in characters; tokens that a model adds are not among them."""


def passages(header: str, body: str, offsets: Offsets, *, max_tokens: int, max_passages: int) -> list[str]:
    """The passages, one at least.

    Args:
        header: One line; may be empty.
        body: May be empty.
        offsets: Of the tokens.
        max_tokens: Of a passage, without what a prompt and the model add.
        max_passages: What is beyond so many full ones is not read.
    """
    in_header = offsets(header)
    if len(in_header) > MAX_HEADER_TOKENS:
        header = header[: in_header[MAX_HEADER_TOKENS - 1][1]]
    room = max_tokens - min(len(in_header), MAX_HEADER_TOKENS)
    spans = offsets(body)[: room * max_passages]
    starts = _word_starts(body, spans)
    if not starts:
        return [header]
    num_parts = -(-len(starts) // room)
    cuts = [starts[len(starts) * part // num_parts] for part in range(num_parts)]
    ends = [*cuts[1:], spans[-1][1]]
    return [f"{header}\n{body[cut:end].strip()}".strip() for cut, end in zip(cuts, ends, strict=True)]


def _word_starts(body: str, spans: Sequence[Span]) -> list[int]:
    """For each token where its word begins: a cut there does not go through a word."""
    starts: list[int] = []
    for start, end in spans:
        is_inside = start > 0 and starts and body[start - 1].isalnum() and body[start:end].isalnum()
        starts.append(starts[-1] if is_inside else start)
    return starts
