"""Scores by words: when a call gets them, and what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BackendProtocolError, BackendTimeout, BackendUnavailable, DeadlineExceeded, Overloaded
from serve.candidates import Item
from serve.fallback import is_called_for, lexical_scores, reserved_s, words_of

_AT_THE_RANKER = {"backend": "ranker", "operation": "score"}


def _item(header: str, summary: str, version: str = "") -> Item:
    return Item(None, header, summary, version or f"{header}/{summary}", None, None)


def _scores(query: str, *texts: tuple[str, str]) -> list[float]:
    items = [_item(header, summary) for header, summary in texts]
    scores = lexical_scores(query, items)
    return [scores[item.version] for item in items]


@pytest.mark.parametrize(
    ("failure", "is_wanted"),
    [
        (BackendUnavailable("away", **_AT_THE_RANKER), True),
        (BackendTimeout("slow", **_AT_THE_RANKER), True),
        (BackendProtocolError("odd", **_AT_THE_RANKER), True),
        (DeadlineExceeded("late"), True),
        (Overloaded("busy", retry_after_s=1), False),
        (None, False),
    ],
)
def test_words_stand_in_for_a_ranker_that_is_away_or_late(failure, is_wanted: bool):
    """Not for one that is busy, and never beside a score of another kind."""
    assert is_called_for(failure, num_scores=0) is is_wanted
    assert not is_called_for(failure, num_scores=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Night-shift NURSE, 32.50", ["night", "shift", "nurse", "32", "50"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("ＲＮ snake_case", ["rn", "snake", "case"]),
        ("夜勤 nurse", ["夜", "勤", "nurse"]),
        ("+ - !", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, words: list[str]):
    """Case and width folded; signs of scripts without blanks stand by themselves."""
    assert words_of(text) == words


def test_more_words_of_the_query_are_better():
    """None of them is 0, all of them is the most."""
    both, one, none = _scores("night nurse", ("", "night nurse here"), ("", "night baker here"), ("", "no such word"))
    assert 1 > both > one > none == 0


def test_what_is_rare_among_the_candidates_counts_more():
    """All are of nurses; one names the town."""
    town, job = _scores("nurse leeds", ("", "baker leeds"), ("", "nurse york"), ("", "nurse"), ("", "nurse"))[:2]
    assert town > job


def test_a_word_of_the_header_counts_more():
    """A nurse's posting is one whose title says so, not one that mentions nurses."""
    header, summary = _scores("nurse", ("nurse", "works with a baker"), ("baker", "works with a nurse"))
    assert header > summary


def test_a_long_text_is_not_better_for_its_length():
    """The same word among fewer others is more of what it is about."""
    short, long = _scores("nurse", ("", "nurse wanted"), ("", "nurse wanted " + "and so on " * 30))
    assert short > long


def test_a_query_without_words_scores_nothing():
    """Zeros would be scores of nothing."""
    assert lexical_scores("+ !", [_item("nurse", "nights")]) == {}


@given(
    query=st.text(max_size=30),
    texts=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=8),
)
def test_scores_are_shares_whatever_the_texts(query: str, texts: list[tuple[str, str]]):
    """In [0, 1), one a version, or none at all."""
    items = [_item(header, summary) for header, summary in texts]
    scores = lexical_scores(query, items)
    assert set(scores) in ({item.version for item in items}, set())
    assert all(0 <= score < 1 for score in scores.values())


@given(st.integers(0, 1_000), st.floats(0, 60))
def test_time_is_kept_for_it_but_most_is_the_rankers(num_items: int, left_s: float):
    """A short deadline is not spent on words."""
    assert 0 <= reserved_s(num_items, of_s=left_s) <= 0.1 * left_s
    assert reserved_s(100, of_s=0.5) > 0.001
