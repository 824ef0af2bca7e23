"""Postings in JSON-LD: wherever they stand in a document, and under whatever spelling of their type."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["find_postings", "is_posting"]

_TYPE = "JobPosting"
_PREFIXES = (
    "https://schema.org/",
    "http://schema.org/",
    "https://www.schema.org/",
    "http://www.schema.org/",
    "schema:",
)
# What a mention of a posting that stands elsewhere may carry: a link, no content.
_REFERENCE_KEYS = frozenset({"@type", "@id", "@context", "url", "position", "name"})
_MAX_DEPTH = 32
_MAX_NODES = 200_000


def find_postings(document: Any) -> Iterator[dict[str, Any]]:
    """The postings of a document in order: itself, in lists, in `@graph`, or nested in any object that is none.

    A type may be one name or a list, short or as an IRI; a posting whose type (or whose keys) are IRIs of schema.org is
    handed on under the short names. Mentions that carry nothing but a link are left out. Deeper than 32 levels, or
    beyond 200,000 values, nothing is looked for.
    """
    waiting: list[tuple[Any, int]] = [(document, 0)]
    num_seen = 0
    while waiting and num_seen < _MAX_NODES:
        value, depth = waiting.pop()
        num_seen += 1
        if isinstance(value, Mapping) and is_posting(value):
            if not value.keys() <= _REFERENCE_KEYS or _has_title_alone(value):
                yield _with_short_names(value)
        elif depth < _MAX_DEPTH and isinstance(value, list | Mapping):
            children = value if isinstance(value, list) else list(value.values())
            waiting += [(child, depth + 1) for child in reversed(children) if isinstance(child, list | Mapping)]


def is_posting(value: Mapping[str, Any]) -> bool:
    """Whether an object says that it is a `JobPosting`."""
    kinds = value.get("@type")
    return any(_short(kind) == _TYPE for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _has_title_alone(value: Mapping[str, Any]) -> bool:
    """Whether it is a short posting, not a mention: mentions say where the posting is."""
    return "name" in value and not {"@id", "url"} & value.keys()


def _short(name: Any) -> Any:
    if isinstance(name, str):
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                return name.removeprefix(prefix)
    return name


def _with_short_names(value: Mapping[str, Any]) -> dict[str, Any]:
    posting = {_short(key): inner for key, inner in value.items()}
    kinds = value["@type"]
    if isinstance(kinds, list):
        posting["@type"] = [_short(kind) for kind in kinds]
    else:
        posting["@type"] = _short(kinds)
    return posting
