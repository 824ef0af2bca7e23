"""What may share a cached score, and when an entry may be used."""

from datetime import timedelta

import pytest

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


@pytest.mark.parametrize("other", ["  Night  SHIFT nurse ", "night shift\nnurse", "night <b>shift</b> nurse"])
def test_queries_that_the_ranker_reads_alike_share_scores(other: str):
    """Case, blanks and markup are normalised away before scoring, so they make no difference."""
    assert _of(other) == _of("night shift nurse")


@pytest.mark.parametrize("other", ["nurse night shift", "night shifts nurse", "night shift nurse!"])
def test_queries_that_the_ranker_reads_differently_share_nothing(other: str):
    """Word order, inflection and punctuation are what the ranker reads."""
    assert _of(other) != _of("night shift nurse")


def test_another_ranker_or_template_shares_nothing():
    """A score belongs to weights and template."""
    assert len({_of("nurse"), _of("nurse", revision="r2"), _of("nurse", digest="d2")}) == 3
