"""Which cached scores stay, and how long they live."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from store.score_policy import MAX_ENTRIES_PER_QUERY, ScorePolicy, merged
from tests.doubles.documents import NOON, score_entry

entries = st.dictionaries(
    st.sampled_from(["job-1", "job-2", "job-3"]),
    st.builds(
        lambda age, version, score: score_entry(score, scored_at=NOON - timedelta(seconds=age), item_version=version),
        st.integers(0, 2),
        st.sampled_from(["a", "b"]),
        st.sampled_from([0.25, 0.5]),
    ),
)


@given(entries, entries, entries)
def test_merging_is_independent_of_order_and_repetition(one: dict, two: dict, three: dict) -> None:  # type: ignore[type-arg]
    """Any order of any writers' merges, some of them twice, ends with the same entries."""
    expected = merged(merged(merged({}, one), two), three)
    assert merged(merged(merged({}, three), one), two) == expected
    assert merged(merged(expected, two), one) == expected


def test_the_latest_thousand_are_kept() -> None:
    """Among entries of one moment the choice is the same everywhere."""
    many = {f"job-{index:05}": score_entry() for index in range(MAX_ENTRIES_PER_QUERY + 5)}
    late = {"late": score_entry(scored_at=NOON + timedelta(seconds=1))}
    kept = merged(many, late)
    assert len(kept) == MAX_ENTRIES_PER_QUERY
    assert "late" in kept
    assert kept == merged(late, many)


@given(st.text(max_size=20))
def test_jitter_shortens_life_by_its_share_at_most(fingerprint: str) -> None:
    """From 810 to 900 s by default, the same for one query in every process."""
    policy = ScorePolicy()
    assert 810 <= policy.life_s(fingerprint) <= 900
    assert policy.life_s(fingerprint) == ScorePolicy().life_s(fingerprint)


def test_queries_of_one_moment_expire_apart() -> None:
    """A thousand queries that were cached at once do not miss at once."""
    lives = {round(ScorePolicy().life_s(f"{index:016x}")) for index in range(1_000)}
    assert len(lives) > 80


def test_an_entry_lives_until_its_age_is_its_life() -> None:
    """Not one second more."""
    policy = ScorePolicy(ttl_s=10, jitter=0)
    assert policy.is_live("query-1", NOON, NOON.timestamp() + 9.999)
    assert not policy.is_live("query-1", NOON, NOON.timestamp() + 10)


@pytest.mark.parametrize(("ttl_s", "jitter"), [(0, 0.1), (-1, 0.1), (float("nan"), 0.1), (900, -0.1), (900, 1.1)])
def test_settings_that_cannot_work_are_refused(ttl_s: float, jitter: float) -> None:
    """With both values named."""
    with pytest.raises(ConfigurationError, match=r"ttl_s .* and jitter"):
        ScorePolicy(ttl_s, jitter)
