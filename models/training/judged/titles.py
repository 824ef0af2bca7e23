"""Which occupations a job title may mean, by the titles that O*NET lists. Pure.

1. A title is its words: lower case, what stands in brackets left out, a plural ``s`` dropped.
2. Every O*NET title, alternate title and reported title names its occupation. Most name one, some name several.
3. An ad's title means the occupations of the whole title where O*NET lists it; else of the title without words of rank
   (senior, junior, lead ...); else of the longest run of at least two of its words that O*NET lists.
4. More than three occupations are no answer: the title says too little.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["OccupationTitles", "Words", "title_words"]

_BRACKETS = re.compile(r"\([^)]*\)|\[[^]]*\]")
_WORD = re.compile(r"[^\W_]+[+#]*")
_RANKS = frozenset(
    {"senior", "sr", "junior", "jr", "lead", "principal", "supervisory", "intern", "trainee", "experienced", "graduate"}
    | {"entry", "level", "mid", "i", "ii", "iii", "iv", "1", "2", "3", "m", "f", "w"}
)
_MOST_OCCUPATIONS = 3
_SHORTEST_PLURAL = 4
_FEWEST_WORDS = 2

Words = tuple[str, ...]


def title_words(title: str) -> Words:
    """The words of a title that matter: rule 1."""
    return tuple(_singular(word) for word in _WORD.findall(_BRACKETS.sub(" ", title).casefold()))


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _SHORTEST_PLURAL and word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True, slots=True)
class OccupationTitles:
    """The titles of all occupations.

    Attributes:
        codes: Occupations by the words of a title.
        wordings: Alternate titles of each occupation as O*NET writes them, in its order.
        related: O*NET's primary related occupations of each.
        names: Title of each occupation.
    """

    codes: Mapping[Words, frozenset[str]]
    wordings: Mapping[str, tuple[str, ...]]
    related: Mapping[str, frozenset[str]]
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> "OccupationTitles":
        """From the rows of ``occupations.jsonl.gz``: rule 2."""
        codes: dict[Words, set[str]] = {}
        wordings, related, names = {}, {}, {}
        for row in rows:
            code = row["onet_code"]
            alternates = tuple(row.get("alternate_titles", ()))
            for title in (row["title"], *alternates, *row.get("reported_titles", ())):
                if words := title_words(title):
                    codes.setdefault(words, set()).add(code)
            wordings[code], related[code] = alternates, frozenset(row.get("related", ()))
            names[code] = row["title"]
        return cls({words: frozenset(found) for words, found in codes.items()}, wordings, related, names)

    def as_worded_by(self, rows: Sequence[Mapping[str, Any]]) -> "OccupationTitles":
        """The same occupations by the same titles, but wordings and names are those of other rows."""
        other = OccupationTitles.from_rows(rows)
        return replace(self, wordings=other.wordings, names=other.names)

    def occupations_of(self, title: str) -> frozenset[str]:
        """The occupations that a title may mean, at most three; none where it says too little: rules 3 and 4."""
        words = title_words(title)
        plain = tuple(word for word in words if word not in _RANKS)
        found = self.codes.get(words) or self.codes.get(plain) or self._of_longest_run(plain)
        return found if found and len(found) <= _MOST_OCCUPATIONS else frozenset()

    def _of_longest_run(self, words: Words) -> frozenset[str]:
        for length in range(len(words) - 1, _FEWEST_WORDS - 1, -1):
            for start in range(len(words) - length + 1):
                if found := self.codes.get(words[start : start + length]):
                    return found
        return frozenset()

    def is_related(self, occupation: str, others: Iterable[str]) -> bool:
        """Whether one of the others is a relative: O*NET says so, or both have the same six digits of the SOC code."""
        soc, related = occupation.partition(".")[0], self.related.get(occupation, frozenset())
        return any(other in related or other.partition(".")[0] == soc for other in others)

    def clear_wordings(self, occupation: str, extra: Sequence[str] = ()) -> list[str]:
        """Alternate titles of two to four words that no other occupation shares, then of ``extra`` those likewise."""
        return [title for title in (*self.wordings[occupation], *extra) if self._is_clear(occupation, title)]

    def _is_clear(self, occupation: str, title: str) -> bool:
        words = title_words(title)
        is_short = _FEWEST_WORDS <= len(words) <= 2 * _FEWEST_WORDS and not _BRACKETS.search(title)
        return is_short and self.codes.get(words, frozenset({occupation})) == {occupation}
