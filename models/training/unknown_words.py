"""Lessons in words that nobody knows: the item answers a query by the words that both have, and by nothing else.

A model made from nothing knows the words of its catalogue. Of any other word it can only see whether it stands in the
query and in the item alike, which is all that BM25 sees of any. Words drawn by letters leave nothing else to learn: no
word comes twice, so looking is the only way. Short lessons come first, for they alone are learnt from the answer: where
a query has one word and an item two or three, a match is found by chance often enough to be followed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

__all__ = ["WHOLE_ITEM", "Extent", "UnknownWords", "WordLesson"]

_KEPT_SHARES = (0.0, 0.3, 0.6, 0.8, 1.0)
"""How many of the query's words the item has, as probabilities: none and all are as frequent as any share."""

_TITLE_SHARE = 0.65
_MORE_PIECES = (0, 1, 1, 2)
_LEAST_PIECE = 2


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a lesson is; most words of each part, besides those of the query.

    Attributes:
        query: Most words of the query.
        title: Of the title.
        rest: Of the header behind it.
        summary: Of the summary.
    """

    query: int
    title: int
    rest: int = 0
    summary: int = 0


WHOLE_ITEM = Extent(query=6, title=5, rest=5, summary=14)
"""As long as queries and items are."""


@dataclass(frozen=True, slots=True)
class WordLesson:
    """A query, an item, and how much of the one is in the other.

    Attributes:
        query: What is typed.
        header: Title, and what stands behind it.
        summary: May be empty.
        shares: Of the query's words those that have come by the end of the title, the header, the item; in [0, 1].
    """

    query: str
    header: str
    summary: str
    shares: tuple[float, float, float]


class UnknownWords:
    """Draws words and lessons over a tokenizer's pieces: real text in unknown words is made of the same."""

    def __init__(self, pieces: Iterable[str]) -> None:
        """Choose what words are made of.

        Args:
            pieces: The texts of all tokens; those that begin a word have a blank before them.
        """
        letters = [piece for piece in pieces if len(piece.strip()) >= _LEAST_PIECE and piece.strip().isalpha()]
        self._first = [piece.strip() for piece in letters if piece.startswith(" ")]
        self._next = [piece for piece in letters if not piece.startswith(" ")]

    def word(self, rng: Random) -> str:
        """A word of one to three pieces; few of them are words of any language."""
        return rng.choice(self._first) + "".join(rng.choice(self._next) for _ in range(rng.choice(_MORE_PIECES)))

    def several(self, rng: Random, least: int, most: int) -> list[str]:
        """Some words, at least and at most so many."""
        return [self.word(rng) for _ in range(rng.randint(least, most))]

    def draw(self, rng: Random, extent: Extent) -> WordLesson:
        """A query of unknown words and an item that has some of them, most in its title."""
        asked = self.several(rng, 1, extent.query)
        kept_share = rng.choice(_KEPT_SHARES)
        kept = [word for word in asked if rng.random() < kept_share]
        parts: list[list[str]] = [[], [], []]
        open_parts = [at for at, most in ((1, extent.rest), (2, extent.summary)) if most]
        for word in kept:
            is_in_title = not open_parts or rng.random() < _TITLE_SHARE
            parts[0 if is_in_title else rng.choice(open_parts)].append(word)
        longest = (extent.title, extent.rest, extent.summary)
        title, rest, summary = (self._filled(rng, part, most) for part, most in zip(parts, longest, strict=True))
        header = " | ".join([" ".join(title), *self._segments(rng, rest)])
        shares = _share(asked, title), _share(asked, title + rest), _share(asked, title + rest + summary)
        return WordLesson(" ".join(asked), header, " ".join(summary), shares)

    def _filled(self, rng: Random, words: Sequence[str], most: int) -> list[str]:
        filled = [*words, *self.several(rng, 0 if words else min(1, most), most)]
        rng.shuffle(filled)
        return filled

    def _segments(self, rng: Random, words: Sequence[str]) -> list[str]:
        if not words:
            return []
        cut = rng.randint(0, len(words))
        return [" ".join(part) for part in (words[:cut], words[cut:]) if part]


def _share(asked: Sequence[str], words: Sequence[str]) -> float:
    return sum(word in words for word in asked) / len(asked)
