"""Whether an answer has the form of a summary: one line of plain text, finished, that does not go round in circles."""

import re
import unicodedata
from collections import Counter

from models.faithfulness.texts import WORD

__all__ = ["broken_form"]

_TEMPLATE = re.compile(
    r"<\|[^|<>]{1,40}\|>|</?(?:s|pad|bos|eos|unk|think|start_of_turn|end_of_turn|im_start|im_end)>|\[/?INST\]|<</?SYS>>"
    r"|```|\{\{|\}\}|^#{1,6} |\*\*[A-Za-z ]{1,30}:?\*\*"
)
_PREAMBLE = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok)[,!.:]"
    r"|(?:here(?:'s| is| are)|below is|the following is) (?:a|an|the|your|my)\b[^.:]{0,40}\bsummar"
    r"|(?:(?:job|brief|short) )?summary ?:|as an ai\b|i(?:'m| am) (?:sorry|unable)|i can(?:not|'t)\b"
    r"|(?:user|assistant|system) ?:",
    re.IGNORECASE,
)
_JSON = re.compile(r"""^[\[{]\s*["{\[]|["']\s*:\s*["{\[]""")
# The same one to twenty characters six times in a row: for scripts that set no blanks, and for runs of marks.
_CHARACTER_LOOP = re.compile(r"(\S.{0,19}?)\1{5,}")
_MAX_LOOP_CHARACTERS = 20
_NUM_CHARACTER_REPEATS = 6
_MAX_LOOP_WORDS = 12
_NUM_REPEATS = {1: 5, 2: 4}
"""Times in a row that make a loop, by the number of words repeated; 3 for longer ones."""
_LEAST_REPEATS = 3
_LEAST_LOOP_WORDS = 5
# Template tokens and JSON need one of these.
_MARKS = re.compile(r'[<\[{}`#*"]')
_FINAL = frozenset(".!?;:)]}\"'…。！？；।॥؟۔%»”’")  # noqa: RUF001 (marks of other scripts are meant)


def broken_form(text: str, source: str, *, is_finished: bool) -> str:
    """What is wrong with the form, or an empty text.

    Marks, preambles and loops that stand in the source just so are its own and no fault.
    """
    if not text.isprintable() or "�" in text:
        for char in text:
            if char != "\n" and (unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char == "�"):
                return f"character U+{ord(char):04X}"
        if "\n" in text:
            return "several lines"
    patterns = ((_TEMPLATE, "template token"), (_JSON, "JSON")) if _MARKS.search(text) else ()
    for pattern, name in (*patterns, *([(_CHARACTER_LOOP, "loop")] if _has_character_run(text) else [])):
        if (found := pattern.search(text)) and found[0] not in source:
            return f"{name} {found[0][:40]!r}"
    if (found := _PREAMBLE.match(text)) and found[0] not in source:
        return f"preamble {found[0]!r}"
    if unit := _loop(text.casefold().split(), source):
        return f"loop {unit!r}"
    return "" if is_finished else _cut_word(text, source)


def _has_character_run(text: str) -> bool:
    """Whether some text of one to twenty characters stands six times in a row, and so may be a loop.

    The text moved along by as many characters is then itself for five times as many: its bits differ in none of them.
    """
    width, encoding = (1, "latin-1") if text.isascii() else (4, "utf-32-le")
    encoded = text.encode(encoding)
    bits = int.from_bytes(encoded, "little")
    for num_characters in range(1, _MAX_LOOP_CHARACTERS + 1):
        num_same = width * num_characters * (_NUM_CHARACTER_REPEATS - 1)
        if num_same >= len(encoded):
            return False
        moved = bits ^ (bits >> (8 * width * num_characters))
        if bytes(num_same) in moved.to_bytes(len(encoded), "little"):
            return True
    return False


def _may_go_round(words: list[str]) -> bool:
    """Whether there are five words in a row that all stand three times in the text: no loop has less."""
    counts = Counter(words)
    run = 0
    for word in words:
        run = run + 1 if counts[word] >= _LEAST_REPEATS else 0
        if run == _LEAST_LOOP_WORDS:
            return True
    return False


def _loop(words: list[str], source: str) -> str:
    """The repeated words, where words go round in a circle that the source does not.

    A unit of n words that stands r times in a row is a loop from r = 5 (n = 1), 4 (n = 2) or 3 on, up to twelve words,
    unless the source holds it as often, or has a single word or two in such a row too.
    """
    if not _may_go_round(words):
        return ""
    for num_words in range(1, _MAX_LOOP_WORDS + 1):
        num_needed = num_words * (_NUM_REPEATS.get(num_words, 3) - 1)
        run = 0
        for at in range(num_words, len(words)):
            run = run + 1 if words[at] == words[at - num_words] else 0
            if run >= num_needed:
                unit = " ".join(words[at - num_words + 1 : at + 1])
                if not _stands_as_often(unit, num_words, num_needed // num_words + 1, source):
                    return unit
                run = 0
    return ""


def _stands_as_often(unit: str, num_words: int, num_repeats: int, source: str) -> bool:
    folded = " ".join(source.casefold().split())
    if num_words in _NUM_REPEATS:
        return " ".join([unit] * num_repeats) in folded
    return folded.count(unit) >= num_repeats


def _cut_word(text: str, source: str) -> str:
    """The last word of an answer that ran into its limit, where it seems to be a piece: it is no word of the source.

    What was cut between words is short, not broken.
    """
    if text[-1] in _FINAL:
        return ""
    words = WORD.findall(text.rsplit(None, 1)[-1])
    if not words or words[-1] in WORD.findall(source):
        return ""
    return f"cut in {words[-1]!r}"
