"""Okapi BM25 over full text: the baseline that stands beside the ranker's figures."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["Bm25", "words"]

_K1, _B = 1.2, 0.75
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text, lower-cased, in order."""
    return _WORD.findall(text.casefold())


class Bm25:
    """An index over documents; k1 = 1.2, b = 0.75, lower-cased words, no stemming."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._counts = {key: Counter(words(text)) for key, text in documents.items()}
        self._lengths = {key: sum(counts.values()) for key, counts in self._counts.items()}
        self._mean_length = sum(self._lengths.values()) / max(1, len(self._lengths))
        frequency: Counter[str] = Counter()
        for counts in self._counts.values():
            frequency.update(counts.keys())
        total = len(self._counts)
        self._weights = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in frequency.items()}

    def scores(self, query: str, keys: Sequence[str]) -> list[float]:
        """Score of each document for the query."""
        return [self._score(words(query), key) for key in keys]

    def _score(self, wanted: Sequence[str], key: str) -> float:
        counts = self._counts[key]
        norm = _K1 * (1 - _B + _B * self._lengths[key] / self._mean_length)
        return sum(self._weights.get(word, 0.0) * counts[word] * (_K1 + 1) / (counts[word] + norm) for word in wanted)
