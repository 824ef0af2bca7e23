"""Statements whose "no" a summary lost, or made up. English only, within a phrase, by a stated rule."""

import re
from collections import Counter
from collections.abc import Iterator

from models.faithfulness.texts import IndexedText, inflections

__all__ = ["flipped_negation"]

_NOT_NEGATIVE = (
    r"(?! (?:only|just|limited|later|less|more|fewer|matter|longer|least|hesitate|exceed|to exceed|doubt|sooner)\b)"
)
# How cues are found fast: a piece of each, and what may stand before it in its word.
_CUE_PIECES = {
    "no": ("can",),
    "never": (),
    "without": (),
    "n't": ("do", "does", "did", "wo", "is", "are", "ca"),
}
_CUES = rf"(?:no|not|without|never|cannot|nor|don't|doesn't|didn't|won't|isn't|aren't|can't){_NOT_NEGATIVE}"
# Up to three words after the cue; "or" goes on, "and", "but" and every mark of punctuation ends what it covers.
_WORD = r"(?!(?:and|but|if|because|while|unless|except|then)\b)[a-z][a-z'-]*"
_BEFORE = re.compile(rf"(?<![\w'-]){_CUES}(?=((?: {_WORD}){{1,3}}(?: or(?: {_WORD}){{1,2}})?))")
_AFTER = re.compile(
    r" (?:not|never) (?:required|needed|necessary|available|offered|provided|possible|allowed|permitted|expected"
    r"|included|involved|paid|mandatory|essential|accepted|considered|reimbursed)\b"
)
_SUBJECT = re.compile(rf"(?<![\w'-])({_WORD}(?: {_WORD})?)(?: work| experience)?(?: (?:is|are|will be|was))?$")
_MOST_SUBJECT_LEN = 60
_TOKEN = re.compile(r"[a-z]{4,}")
_LEAST_LEN = 4
_CUE_WORDS = ("no", "not", "without", "never", "cannot", "nor", "don", "doesn", "won", "isn", "aren")
_Denial = tuple[str, str]
"""A word that is covered by a "no", and the statement that covers it."""
# Words about the statement, not what it is about.
_FUNCTION_WORDS = frozenset(
    [
        "required",
        "require",
        "requires",
        "requiring",
        "needed",
        "need",
        "needs",
        "necessary",
        "available",
        "offered",
        "provided",
        "possible",
        "allowed",
        "work",
        "this",
        "that",
        "with",
        "your",
        "their",
        "have",
        "will",
        "must",
        "should",
        "would",
        "could",
        "been",
        "being",
        "from",
        "other",
        "than",
        "into",
        "only",
        "such",
        "what",
        "when",
        "able",
        "also",
        "more",
        "most",
        "much",
        "many",
        "some",
        "very",
        "just",
        "then",
        "them",
        "they",
        "there",
        "here",
        "these",
        "those",
        "does",
        "done",
        "make",
        "made",
        "time",
        "about",
        "after",
        "before",
        "between",
        "during",
        "under",
        "over",
        "applicants",
        "candidates",
        "position",
        "positions",
        "role",
        "job",
        "apply",
        "please",
        "considered",
        "accepted",
        "accept",
        "eligible",
        "permitted",
        "expected",
        "included",
        "involved",
        "paid",
        "limited",
        "based",
        "include",
        "includes",
        "including",
    ]
)


def flipped_negation(said: IndexedText, held: IndexedText) -> str:
    """The first word that one side denies and the other states, or an empty text.

    A "no" (not, without, never ...) covers the three words after it within its phrase, "K is not required" the one or
    two before it. A word is flipped where every mention of it in the source is covered and one in the summary is not,
    or one in the summary is covered and none in the source.
    """
    said_denials = list(_denials(said.folded))
    held_denied = Counter(word for word, _ in _denials(held.folded))
    if not said_denials and not (held_denied and any(f" {cue} " in held.joined for cue in _CUE_WORDS)):
        return ""
    return _lost(said, held, said_denials, held_denied) or _made_up(held, said_denials, held_denied)


def _lost(said: IndexedText, held: IndexedText, said_denials: list[_Denial], held_denied: Counter[str]) -> str:
    """A word that the summary states and the source only denies."""
    said_denied = Counter(word for word, _ in said_denials)
    said_counts: Counter[str] = Counter(_TOKEN.findall(said.folded))
    # A form of a form of a word may be that word: only such words need a look.
    forms_denied = {form for word in held_denied for form in inflections(word)}
    for word in filter(forms_denied.__contains__, said_counts):
        forms = set(inflections(word))
        num_denied = sum(held_denied[form] for form in forms)
        if num_denied and said_counts[word] > said_denied[word] and num_denied >= _count(held, forms):
            return word
    return ""


def _made_up(held: IndexedText, said_denials: list[_Denial], held_denied: Counter[str]) -> str:
    """A statement of the summary that denies what the source only states."""
    for word, statement in said_denials:
        forms = set(inflections(word))
        if not any(held_denied[form] for form in forms) and _count(held, forms) and not _may_be_two(statement, held):
            return statement
    return ""


def _denials(folded: str) -> Iterator[_Denial]:
    for at in _cue_places(folded):
        if found := _BEFORE.match(folded, at):
            yield from ((word, found[0] + found[1]) for word in _contents(found[1]))
        if (
            at
            and (found := _AFTER.match(folded, at - 1))
            and (subject := _SUBJECT.search(folded, max(0, at - 1 - _MOST_SUBJECT_LEN), at - 1))
        ):
            yield from ((word, subject[0] + found[0]) for word in _contents(subject[1]))


def _cue_places(folded: str) -> list[int]:
    """Where a cue may begin: at a word."""
    places: set[int] = set()
    for piece, heads in _CUE_PIECES.items():
        at = folded.find(piece)
        while at >= 0:
            if folded[at - 1 : at].isalnum():
                places.update(at - len(head) for head in heads if folded.endswith(head, 0, at))
            else:
                places.add(at)
            at = folded.find(piece, at + 1)
    return sorted(places)


def _contents(text: str) -> Iterator[str]:
    return (word for word in _TOKEN.findall(text) if word not in _FUNCTION_WORDS)


def _may_be_two(statement: str, held: IndexedText) -> bool:
    """Whether the statement may be the end of one line of the source and the beginning of another, side by side."""
    words = statement.split(" ")
    splits = range(1, len(words))
    lines = [line.strip(" -*•") for line in held.folded.split("\n")]
    if not any(line.endswith(tuple(" ".join(words[:at]) for at in splits)) for line in lines):
        return False
    if _BEFORE.match(statement):
        return True
    return any(line.startswith(tuple(" ".join(words[at:]) for at in splits)) for line in lines)


def _count(held: IndexedText, forms: set[str]) -> int:
    return sum(_count_word(held.folded, form) for form in forms if len(form) >= _LEAST_LEN)


def _count_word(folded: str, word: str) -> int:
    """How often a word of the letters a to z stands in a text, other letters at its ends or none."""
    num_found = 0
    at = folded.find(word)
    while at >= 0:
        end = at + len(word)
        num_found += not ("a" <= folded[at - 1 : at] <= "z" or "a" <= folded[end : end + 1] <= "z")
        at = folded.find(word, end)
    return num_found
