"""Scores by words alone, for calls that would have none: BM25 over the call's own candidates. Pure.

What is rare among the candidates of the call counts more than what all of them have; a word of the header counts as
several of the summary. A score is the share of the weight of the query's words that the item has: in [0, 1), and not
comparable with the ranker's, nor with one of another call.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from schemas.errors import BackendError, DeadlineExceeded, PrecisError
from serve.candidates import Item

__all__ = ["is_called_for", "lexical_scores", "reserved_s", "words_of"]

# Time to keep for one item: some three times what it takes on an idle core. Of a short deadline, no more than a share.
_SECONDS_AN_ITEM = 50e-6
_RESERVED_SHARE = 0.1

_HEADER_WEIGHT = 3
_K1, _B = 1.2, 0.75

# Runs of letters and digits; each sign of Chinese and Japanese by itself, for their words have no blanks between them.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def is_called_for(failure: PrecisError | None, *, num_scores: int) -> bool:
    """Whether a call may be answered by words: the ranker is away or late, and nothing at all has a score.

    Args:
        failure: The gravest of what kept candidates from a score. An overload is no such case: the caller may come
            back, and answering at once would invite it not to.
        num_scores: Candidates that have one from the ranker or the cache; scores of two kinds are never mixed.
    """
    return num_scores == 0 and isinstance(failure, BackendError | DeadlineExceeded)


def reserved_s(num_items: int, *, of_s: float) -> float:
    """Time to keep back from the ranker, so that scores by words still come before the deadline.

    Args:
        num_items: That would be scored.
        of_s: Time that is left, in seconds.
    """
    return min(num_items * _SECONDS_AN_ITEM, _RESERVED_SHARE * of_s)


def words_of(text: str) -> list[str]:
    """The words of a text, case and width folded."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def lexical_scores(query: str, items: Sequence[Item]) -> Mapping[str, float]:
    """Scores by item version; empty where the query has no word.

    Args:
        query: Its text.
        items: Of the call; of equal versions one counts.
    """
    wanted = frozenset(words_of(query))
    if not wanted:
        return {}
    counts: dict[str, Counter[str]] = {}
    lengths: dict[str, int] = {}
    for item in items:
        if item.version not in counts:
            words = words_of(item.header) * _HEADER_WEIGHT + words_of(item.summary)
            counts[item.version] = Counter(word for word in words if word in wanted)
            lengths[item.version] = len(words)
    mean_length = sum(lengths.values()) / max(1, len(lengths)) or 1.0
    having = Counter(word for count in counts.values() for word in count)
    weights = {word: math.log1p((len(counts) - having[word] + 0.5) / (having[word] + 0.5)) for word in wanted}
    total = sum(weights.values())

    def score(version: str) -> float:
        norm = _K1 * (1 - _B + _B * lengths[version] / mean_length)
        return sum(weights[word] * num / (num + norm) for word, num in counts[version].items()) / total

    return {version: score(version) for version in counts}
