"""Query normalisation. The normalised query is what is scored, so queries that normalise alike may share scores."""

import unicodedata

from schemas.text import single_line

__all__ = ["normalise_query"]


def normalise_query(text: str) -> str:
    """NFKC, markup and controls removed, case folded, one line, single blanks. Word order and words stay."""
    return single_line(unicodedata.normalize("NFKC", single_line(text)).casefold())
