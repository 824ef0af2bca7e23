"""Summaries that took no training, at any length: what a trained summarizer has to beat. Pure, no torch.

Each is a function of a body and a length limit. ``first_tokens`` and ``random_sentences`` know nothing; of
``best_sentences`` the ranker itself chooses the sentences, so that it bounds what copying whole sentences can do.
The empty summary is the same for every length.
"""

from collections.abc import Callable, Sequence
from random import Random

from models.prompts import TextTokenizer, sentences

__all__ = ["EMPTY", "Loss", "best_sentences", "first_tokens", "random_sentences"]

EMPTY = ""
"""The shortest summary: the ranker reads the header alone."""

Loss = Callable[[Sequence[str]], Sequence[float]]
"""What each of several summaries of the same body loses, smaller is better: KL(p_sum || p_raw), say."""

_JOINT = " "
_SHORTLIST = 12


def first_tokens(body: str, most_tokens: int, tokenizer: TextTokenizer) -> str:
    """The beginning of the body, cut after so many tokens, inside a word if need be."""
    return tokenizer.decode(tokenizer.encode(body)[:most_tokens]).rstrip("\ufffd").strip()


def random_sentences(body: str, most_tokens: int, count_tokens: Callable[[str], int], rng: Random) -> str:
    """Sentences drawn one after another, each kept if it still fits; in the body's order.

    Args:
        body: Plain text; may be empty.
        most_tokens: Limit of the summary.
        count_tokens: Length of a text.
        rng: Of the draw.

    Returns:
        Empty where no sentence fits.
    """
    found = sentences(body)
    kept: list[int] = []
    for index in rng.sample(range(len(found)), len(found)):
        if count_tokens(_joined(found, [*kept, index])) <= most_tokens:
            kept.append(index)
    return _joined(found, kept)


def best_sentences(
    body: str, most_tokens: int, count_tokens: Callable[[str], int], loss: Loss, shortlist: int = _SHORTLIST
) -> str:
    """Sentences added one at a time, each the one that lowers the loss most, until none does or none fits.

    Greedy, so not the best subset, but each choice is the ranker's own. All sentences are tried alone at first, and
    later only those of the ``shortlist`` that were best alone: 60 sentences then cost some 60 + 12 a sentence kept.

    Args:
        body: Plain text; may be empty.
        most_tokens: Limit of the summary.
        count_tokens: Length of a text.
        loss: Of summaries of this body. Asked about the empty summary too: a sentence that does not help is not added.
        shortlist: Sentences that may be combined.

    Returns:
        In the body's order; empty where no sentence both fits and helps.
    """
    found = list(dict.fromkeys(sentences(body)))
    fitting = [index for index, sentence in enumerate(found) if count_tokens(sentence) <= most_tokens]
    lowest, *alone = loss([EMPTY, *(found[index] for index in fitting)])
    candidates = [index for _, index in sorted(zip(alone, fitting, strict=True))[:shortlist]]
    kept: list[int] = []
    while True:
        longer = [[*kept, index] for index in candidates if index not in kept]
        longer = [chosen for chosen in longer if count_tokens(_joined(found, chosen)) <= most_tokens]
        if not longer:
            break
        losses = loss([_joined(found, chosen) for chosen in longer])
        best = min(range(len(longer)), key=losses.__getitem__)
        if losses[best] >= lowest:
            break
        lowest, kept = losses[best], longer[best]
    return _joined(found, kept)


def _joined(found: Sequence[str], kept: Sequence[int]) -> str:
    return _JOINT.join(found[index] for index in sorted(kept))
