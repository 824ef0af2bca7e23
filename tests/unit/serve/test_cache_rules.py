"""What may share a cached score, and when an entry may be used."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import PromptLimits
from models.prompts import RankerPrompt, normalise_query
from schemas.documents import ScoreEntry
from serve.cache import fingerprint, is_usable
from tests.doubles.summaries import LONG_AGO
from tests.doubles.tokenizer import small_tokenizer

_ENTRY = ScoreEntry(item_version="v1", score=0.5, scored_at=LONG_AGO)


def _of(query: str, *, revision: str = "r1", digest: str = "d1") -> str:
    ids = RankerPrompt(small_tokenizer(), PromptLimits()).query_ids(normalise_query(query))
    return fingerprint(ids, revision, digest)


def test_entry_is_used_for_its_own_version_until_it_is_too_old():
    """Exactly at the limit it is still used, a moment later not."""
    limit = LONG_AGO + timedelta(seconds=900)
    assert is_usable(_ENTRY, "v1", now=limit, ttl_s=900)
    assert not is_usable(_ENTRY, "v1", now=limit + timedelta(milliseconds=1), ttl_s=900)


def test_entry_of_another_version_is_never_used():
    """However young it is."""
    assert not is_usable(_ENTRY, "v2", now=LONG_AGO, ttl_s=900)


def _documented() -> list[tuple[str, str, bool]]:
    """The table of docs/scoring.md."""
    text = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (yes|no) \|$", text, re.MULTILINE)
    return [(one, other, shared == "yes") for one, other, shared in rows]


@pytest.mark.parametrize(("one", "other", "is_shared"), _documented())
def test_queries_share_scores_as_documented(one: str, other: str, is_shared: bool):
    """Form makes no difference; words, their order, signs and accents do. No row is of two equal texts."""
    assert one != other
    assert (_of(one) == _of(other)) is is_shared


def test_the_table_has_rows_of_both_kinds():
    """A table that nobody can read any more would test nothing."""
    assert sum(is_shared for _, _, is_shared in _documented()) >= 10
    assert sum(not is_shared for _, _, is_shared in _documented()) >= 12


@pytest.mark.parametrize(
    "other", ["\tnight\nshift nurse ", "night\u2003shift nurse", "\ufeffnight shift\x00 nurse\x07"]
)
def test_blanks_and_controls_that_no_table_can_show_make_no_difference(other: str):
    """Line ends, wide blanks, the byte order mark, controls."""
    assert _of(other) == _of("night shift nurse")


@given(st.text(max_size=12), st.text(max_size=12))
def test_queries_share_scores_exactly_where_their_normal_forms_are_equal(one: str, other: str):
    """Within the limit the tokenizer loses nothing, so different normal forms are different ids. 12 characters are."""
    assert (_of(one) == _of(other)) == (normalise_query(one) == normalise_query(other))


def test_what_the_ranker_does_not_read_makes_no_difference():
    """Behind the limit of the query nothing is scored; before it everything is."""
    start = "nurse " * PromptLimits().query
    assert _of(start + "in Berlin") == _of(start + "in Leeds")
    assert _of("in Berlin " + start) != _of("in Leeds " + start)


def test_a_text_shares_with_the_ids_that_it_comes_to_and_with_no_others():
    """Ids are not normalised: those of capital letters are another query."""
    prompt = RankerPrompt(small_tokenizer(), PromptLimits())
    ids = small_tokenizer().encode("night shift nurse")
    assert fingerprint(prompt.given_query_ids(ids), "r1", "d1") == _of("Night Shift  NURSE")
    capitals = small_tokenizer().encode("NIGHT SHIFT NURSE")
    assert fingerprint(prompt.given_query_ids(capitals), "r1", "d1") != _of("NIGHT SHIFT NURSE")


def test_another_ranker_or_template_shares_nothing():
    """A score belongs to weights and template."""
    assert len({_of("nurse"), _of("nurse", revision="r2"), _of("nurse", digest="d2")}) == 3
