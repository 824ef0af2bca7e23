"""A text as the rules look at it: normalised once, indexed as far as a rule asks."""

import re
import unicodedata
from functools import cached_property

__all__ = ["WORD", "IndexedText", "fold", "inflections"]

# Letters of scripts that have case, and digits. What is written without case states no names that could be told by
# their form, and Han, Kana, Thai and their like set no blanks between words: they are left to the number rules.
_CASED = r"0-9A-Za-zªµºÀ-ÖØ-öø-ɏͰ-ϿЀ-ԯԱ-ևႠ-ჿḀ-ỿἀ-῿"
WORD = re.compile(rf"[{_CASED}]+")
"""One word of a cased script; hyphens, dots and apostrophes end it."""

# "B.S.", "Ph.D.", "U.S.A", "a.m.": one word each.
_DOTTED = re.compile(r"(?<![^\W_])(?:[A-Z][a-z]?\.|[a-z]\.){1,5}(?:[A-Za-z](?![^\W_])\.?)")
_MARKS = re.compile("[̀-ͯ]+")
_INNER_PUNCTUATION = re.compile(r"(?<=\w)[.\-_/&'’](?=\w)")  # noqa: RUF001 (typographic apostrophe)
# Above this share of capitalised words, capitals do not tell names: German nouns, headings set in title case.
_CAPITALS_TELL_NOTHING = 0.3
_APOSTROPHES = re.compile("[’‘ʼ]")  # noqa: RUF001 (typographic apostrophes)


def fold(text: str) -> str:
    """Lower case, without accents."""
    folded = text.casefold()
    return folded if folded.isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", folded))


def inflections(word: str) -> tuple[str, ...]:
    """The word, and what may be its singular or plural."""
    forms = [word, f"{word}s", f"{word}es"]
    if word.endswith("s"):
        forms.append(word[:-1])
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("ies"):
        forms.append(f"{word[:-3]}y")
    if word.endswith("y"):
        forms.append(f"{word[:-1]}ies")
    return tuple(forms)


class IndexedText:
    """A text and its indexes, each made when first asked for.

    Attributes:
        text: NFKC, dotted abbreviations without their dots; case and lines as they were.
    """

    def __init__(self, text: str) -> None:
        normal = _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text))
        self.text = _DOTTED.sub(lambda found: found[0].replace(".", ""), normal)

    @cached_property
    def folded(self) -> str:
        """The text folded."""
        return fold(self.text)

    @cached_property
    def word_list(self) -> list[str]:
        """Folded words in order."""
        return list(WORD.findall(self.folded))

    @cached_property
    def words(self) -> frozenset[str]:
        """Folded words."""
        return frozenset(self.word_list)

    @cached_property
    def exact_words(self) -> frozenset[str]:
        """Words with their case."""
        return frozenset(WORD.findall(self.text))

    @cached_property
    def joined(self) -> str:
        """Folded words between single blanks, one blank at each end: a phrase is found by ``" a b " in joined``."""
        return f" {' '.join(self.word_list)} "

    @cached_property
    def exact_joined(self) -> str:
        """As ``joined``, with case."""
        return f" {' '.join(WORD.findall(self.text))} "

    @cached_property
    def squeezed_words(self) -> frozenset[str]:
        """Folded words after punctuation inside of words is gone: ``nodejs``, ``email``, ``cicd``."""
        return frozenset(WORD.findall(_INNER_PUNCTUATION.sub("", self.folded)))

    @cached_property
    def has_plain_capitals(self) -> bool:
        """Whether so many words are capitalised that a capital says nothing."""
        found: list[str] = WORD.findall(self.text)
        words = [word for word in found if not word[0].isdigit()]
        num_capitalised = sum(1 for word in words if word[0].isupper())
        return num_capitalised > _CAPITALS_TELL_NOTHING * len(words)

    def holds_word(self, word: str) -> bool:
        """Whether a folded word stands in the text, in the singular or the plural."""
        return any(form in self.words for form in inflections(word))

    def holds_phrase(self, phrase: str) -> bool:
        """Whether folded words stand in the text side by side, the last one in the singular or the plural."""
        *first, last = phrase.split(" ")
        start = " ".join(["", *first])
        return any(f"{start} {form} " in self.joined for form in inflections(last))

    def holds_code(self, code: str) -> bool:
        """Whether words stand in the text side by side with exactly this case."""
        return f" {code} " in self.exact_joined
