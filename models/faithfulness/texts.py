"""A text as the rules look at it: normalised once, indexed as far as a rule asks."""

import re
import unicodedata
from collections.abc import Callable
from functools import cached_property, lru_cache

__all__ = ["WORD", "IndexedText", "fold", "inflections", "words_of"]

# Letters of scripts that have case, and digits. What is written without case states no names that could be told by
# their form, and Han, Kana, Thai and their like set no blanks between words: they are left to the number rules.
_CASED = r"0-9A-Za-zªµºÀ-ÖØ-öø-ɏͰ-ϿЀ-ԯԱ-ևႠ-ჿḀ-ỿἀ-῿"
WORD = re.compile(rf"[{_CASED}]+")
"""One word of a cased script; hyphens, dots and apostrophes end it."""

# "B.S.", "Ph.D.", "U.S.A", "a.m.": one word each.
_DOTTED = re.compile(r"(?<![^\W_])(?:[A-Z][a-z]?\.|[a-z]\.){1,5}(?:[A-Za-z](?![^\W_])\.?)")
# How each of them ends; told by its dot, so that a text is run through fast.
_DOTTED_END = re.compile(r"\.[A-Za-z](?![^\W_])")
_MARKS = re.compile("[̀-ͯ]+")
_INNER_PUNCTUATION = re.compile(r"[.\-_/&'’](?<=\w.)(?=\w)")  # noqa: RUF001 (typographic apostrophe)
# Above this share of capitalised words, capitals do not tell names: German nouns, headings set in title case.
_CAPITALS_TELL_NOTHING = 0.3
_APOSTROPHES = re.compile("[’‘ʼ]")  # noqa: RUF001 (typographic apostrophes)
# Common signs that are no part of words and that no normal form changes: a line that has no others beyond ASCII needs
# no normalising, which takes long.
_SIGNS = "–—“”•£€§®·"  # noqa: RUF001 (typographic signs)
_BETWEEN_WORDS = {code: " " for code in range(128) if not chr(code).isalnum()}


def fold(text: str) -> str:
    """Lower case, without accents."""
    return text.lower() if text.isascii() else _by_line(_fold_line, text)


def _fold_line(line: str) -> str:
    folded = line.lower() if line.isascii() else line.casefold()
    return folded if _without_signs(line).isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", folded))


def _normal_line(line: str) -> str:
    if line.isascii():
        return line
    plain = line.replace("’", "'")  # noqa: RUF001 (typographic apostrophe)
    return plain if _without_signs(plain).isascii() else _APOSTROPHES.sub("'", unicodedata.normalize("NFKC", plain))


def _by_line(change: Callable[[str], str], text: str) -> str:
    """The text changed line by line: most lines of most texts need nothing that takes long."""
    return "\n".join(map(change, text.split("\n")))


def _without_signs(line: str) -> str:
    if not line.isascii():
        for sign in _SIGNS:
            line = line.replace(sign, " ")
    return line


def words_of(text: str) -> list[str]:
    """What ``WORD`` finds, in order."""
    if text.isascii():
        return text.translate(_BETWEEN_WORDS).split()
    plain = _without_signs(text)
    if plain.isascii():
        return words_of(plain)
    lines = plain.split("\n")
    return [word for line in lines for word in (words_of(line) if line.isascii() else WORD.findall(line))]


@lru_cache(maxsize=4096)
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
        normal = text if text.isascii() else _by_line(_normal_line, text)
        self.text = _without_dots(normal)

    @cached_property
    def folded(self) -> str:
        """The text folded."""
        return fold(self.text)

    @cached_property
    def word_list(self) -> list[str]:
        """Folded words in order."""
        return words_of(self.folded)

    @cached_property
    def words(self) -> frozenset[str]:
        """Folded words."""
        return frozenset(self.word_list)

    @cached_property
    def exact_words(self) -> frozenset[str]:
        """Words with their case."""
        return frozenset(words_of(self.text))

    @cached_property
    def joined(self) -> str:
        """Folded words between single blanks, one blank at each end: a phrase is found by ``" a b " in joined``."""
        return f" {' '.join(self.word_list)} "

    @cached_property
    def exact_joined(self) -> str:
        """As ``joined``, with case."""
        return f" {' '.join(words_of(self.text))} "

    @cached_property
    def squeezed_words(self) -> frozenset[str]:
        """Folded words after punctuation inside of words is gone: ``nodejs``, ``email``, ``cicd``."""
        return frozenset(WORD.findall(_INNER_PUNCTUATION.sub("", self.folded)))

    @cached_property
    def has_plain_capitals(self) -> bool:
        """Whether so many words are capitalised that a capital says nothing."""
        words = [word for word in words_of(self.text) if not word[0].isdigit()]
        num_capitalised = sum(1 for word in words if word[0].isupper())
        return num_capitalised > _CAPITALS_TELL_NOTHING * len(words)

    def holds_word(self, word: str) -> bool:
        """Whether a folded word stands in the text, in the singular or the plural."""
        return any(f" {form} " in self.joined for form in inflections(word))

    def holds_phrase(self, phrase: str) -> bool:
        """Whether folded words stand in the text side by side, the last one in the singular or the plural."""
        *first, last = phrase.split(" ")
        start = " ".join(["", *first])
        return any(f"{start} {form} " in self.joined for form in inflections(last))

    def holds_code(self, code: str) -> bool:
        """Whether words stand in the text side by side with exactly this case."""
        return f" {code} " in self.exact_joined


def _without_dots(text: str) -> str:
    """The text with its dotted abbreviations without their dots; only what stands between blanks around one is read."""
    parts: list[str] = []
    done = 0
    for found in _DOTTED_END.finditer(text):
        at = found.start()
        if at >= done:
            start = max(done, text.rfind(" ", done, at))
            end = text.find(" ", at)
            end = len(text) if end < 0 else end
            parts += (text[done:start], _DOTTED.sub(lambda dotted: dotted[0].replace(".", ""), text[start:end]))
            done = end
    return "".join([*parts, text[done:]]) if parts else text
