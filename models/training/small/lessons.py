"""Short pairs about occupations: a wording of one, and a title of the same, of a related one or of another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from models.training.judged.grades import Kinship, grade_of
from models.training.judged.titles import OccupationTitles, Words, title_words

__all__ = ["TitleLesson", "TitleLessons"]

_SAME_SHARE, _RELATED_SHARE, _SHARED_WORD_SHARE = 0.4, 0.2, 0.2
_LONGEST_POSTING = 400
"""Words of more titles than that say nothing ("manager")."""


@dataclass(frozen=True, slots=True)
class TitleLesson:
    """A query, a title, and the grade of an ad under that title."""

    query: str
    title: str
    grade: int


class TitleLessons:
    """Draws them, from the titles of the occupations that are taught."""

    def __init__(
        self, titles: OccupationTitles, occupations: Sequence[str], esco: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Index the titles.

        Args:
            titles: O*NET's.
            occupations: Those that are taught.
            esco: ESCO's labels of some of them, which are titles too.
        """
        self._titles, esco = titles, esco or {}
        self._all = {code: [titles.names[code], *titles.wordings[code], *esco.get(code, ())] for code in occupations}
        self._occupations = _occupations_by_words(titles, self._all)
        wordings = {code: titles.clear_wordings(code, esco.get(code, ())) for code in occupations}
        self._queries = [
            (code, text)
            for code, texts in wordings.items()
            for text in texts
            if self._occupations[title_words(text)] == {code}
        ]
        self._code_of = {text.lower(): code for code, text in self._queries}
        self._codes = list(occupations)
        self._related = {
            code: [other for other in occupations if other != code and titles.is_related(code, (other,))]
            for code in occupations
        }
        self._by_word = _index(self._all)

    @property
    def queries(self) -> list[str]:
        """Wordings that mean one occupation, as they may be typed."""
        return list(self._code_of)

    @property
    def titles(self) -> list[str]:
        """All titles of the occupations that are taught."""
        return [title for texts in self._all.values() for title in texts]

    def grade(self, query: str, title: str) -> int:
        """Grade of a title, as O*NET knows it, for one of :attr:`queries`."""
        return self._graded(self._code_of[query], title)[1]

    def draw(self, rng: Random) -> TitleLesson:
        """One lesson."""
        code, query = rng.choice(self._queries)
        return TitleLesson(query.lower(), *self._answer(rng, code, query))

    def _answer(self, rng: Random, code: str, query: str) -> tuple[str, int]:
        drawn = rng.random()
        if drawn < _SAME_SHARE:
            others = [title for title in self._all[code] if title != query]
            return rng.choice(others or [query]), grade_of(Kinship.SAME, ())
        if drawn < _SAME_SHARE + _RELATED_SHARE and self._related[code]:
            return self._graded(code, rng.choice(self._all[rng.choice(self._related[code])]))
        if drawn < _SAME_SHARE + _RELATED_SHARE + _SHARED_WORD_SHARE:
            sharing = [title for word in title_words(query) for title in self._by_word.get(word, ())]
            if sharing:
                return self._graded(code, rng.choice(sharing))
        return self._graded(code, rng.choice(self._all[rng.choice(self._codes)]))

    def _graded(self, code: str, title: str) -> tuple[str, int]:
        codes = self._occupations.get(title_words(title), frozenset())
        if code in codes:
            return title, grade_of(Kinship.SAME, ())
        kinship = Kinship.RELATED if self._titles.is_related(code, codes) else Kinship.NONE
        return title, grade_of(kinship, ())


def _occupations_by_words(titles: OccupationTitles, taught: Mapping[str, Sequence[str]]) -> dict[Words, set[str]]:
    found = {words: set(codes) for words, codes in titles.codes.items()}
    for code, texts in taught.items():
        for text in texts:
            found.setdefault(title_words(text), set()).add(code)
    return found


def _index(titles: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Titles by their words, without words that too many have."""
    by_word: dict[str, list[str]] = {}
    for texts in titles.values():
        for text in texts:
            for word in set(title_words(text)):
                by_word.setdefault(word, []).append(text)
    return {word: texts for word, texts in by_word.items() if len(texts) <= _LONGEST_POSTING}
