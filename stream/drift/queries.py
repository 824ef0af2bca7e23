"""The file of sample queries: JSON Lines, one object with ``query`` a line, plain or gzip'd; other fields are ignored.

Search engineers export a sample of live queries into it; it is read once, at start.
"""

import gzip
import json
from pathlib import Path

from models.prompts import normalise_query
from schemas.errors import ConfigurationError

__all__ = ["MAX_QUERIES", "read_queries"]

MAX_QUERIES = 10_000
"""Each sampled posting is held against all of them, to choose: 10 ms for so many."""


def read_queries(path: Path) -> tuple[str, ...]:
    """The queries of a file, normalised as scored ones are, each once, in order.

    Raises:
        ConfigurationError: The file cannot be read, a line is not of the form, there are too many or none.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    found: dict[str, None] = {}
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    found[_query(line, f"{str(path)!r} line {number}")] = None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"drift queries {str(path)!r} cannot be read: {error}") from error
    if not 0 < len(found) <= MAX_QUERIES:
        raise ConfigurationError(f"drift queries {str(path)!r}: {len(found)} queries, 1 to {MAX_QUERIES} are allowed")
    return tuple(found)


def _query(line: str, place: str) -> str:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"drift queries {place}: no JSON: {error}") from error
    text = fields.get("query") if isinstance(fields, dict) else None
    query = normalise_query(text) if isinstance(text, str) else ""
    if not query:
        raise ConfigurationError(f'drift queries {place}: write an object such as {{"query": "icu nurse nights"}}')
    return query
