"""Summaries that took no training."""

from collections.abc import Sequence
from random import Random

import pytest

from models.prompts import sentences
from models.training.controls import best_sentences, first_tokens, random_sentences
from tests.doubles.tokenizer import small_tokenizer

BODY = "We hire nurses. Nights only.\n• No visa sponsorship\nA pension plan. Nights only."


def count_words(text: str) -> int:
    return len(text.split())


class Wanting:
    """Loses 1 for each wanted sentence that a summary lacks, and a little for every word."""

    def __init__(self, *wanted: str) -> None:
        self.wanted = wanted
        self.asked: list[str] = []

    def __call__(self, summaries: Sequence[str]) -> list[float]:
        self.asked += summaries
        return [sum(w not in text for w in self.wanted) + 0.01 * count_words(text) for text in summaries]


def test_first_tokens_are_the_bodys_beginning_at_every_length() -> None:
    """Each length is a prefix of the next and has no more tokens than asked; 0 is empty, beyond the end is all."""
    tokenizer = small_tokenizer()
    cuts = [first_tokens(BODY, length, tokenizer) for length in range(30)]
    assert cuts[0] == ""
    for length, cut in enumerate(cuts):
        assert BODY.startswith(cut)
        assert tokenizer.count(cut) <= length
    assert first_tokens(BODY, 10_000, tokenizer) == BODY


def test_a_character_that_the_cut_falls_into_is_left_out() -> None:
    """A bullet is three bytes, and a token may be one of them."""
    tokenizer = small_tokenizer()
    for length in range(1, 60):
        assert "\ufffd" not in first_tokens(BODY, length, tokenizer)


@pytest.mark.parametrize("limit", [0, 2, 5, 8, 100])
def test_random_sentences_are_whole_in_order_and_fit(limit: int) -> None:
    """Whatever the draw."""
    for seed in range(20):
        summary = random_sentences(BODY, limit, count_words, Random(seed))
        assert count_words(summary) <= limit
        left = summary
        for sentence in sentences(BODY):
            left = left.removeprefix(sentence).strip()
        assert left == ""


def test_random_sentences_differ_by_seed_and_repeat_with_it() -> None:
    """A seed is a draw."""
    drawn = {random_sentences(BODY, 3, count_words, Random(seed)) for seed in range(20)}
    assert len(drawn) > 1
    assert random_sentences(BODY, 3, count_words, Random(3)) == random_sentences(BODY, 3, count_words, Random(3))


def test_the_best_sentences_are_those_that_lower_the_loss() -> None:
    """Both wanted ones, in the body's order, and nothing that only costs words."""
    loss = Wanting("A pension plan.", "Nights only.")
    assert best_sentences(BODY, 20, count_words, loss) == "Nights only. A pension plan."


def test_of_two_wanted_sentences_the_limit_admits_one() -> None:
    """The cheaper one lowers the loss further; with less room than any sentence nothing is chosen."""
    loss = Wanting("A pension plan.", "Nights only.")
    assert best_sentences(BODY, 4, count_words, loss) == "Nights only."
    assert best_sentences(BODY, 1, count_words, loss) == ""


def test_where_no_sentence_helps_the_summary_is_empty() -> None:
    """The empty summary is a candidate too."""
    assert best_sentences(BODY, 20, count_words, Wanting("something else")) == ""
    assert best_sentences("", 20, count_words, Wanting()) == ""


def test_only_the_shortlist_is_combined() -> None:
    """All sentences are tried alone once; with a shortlist of one there is nothing to combine."""
    loss = Wanting("A pension plan.", "Nights only.")
    assert best_sentences(BODY, 20, count_words, loss, shortlist=1) == "Nights only."
    assert len(loss.asked) == 1 + 4 + 1
