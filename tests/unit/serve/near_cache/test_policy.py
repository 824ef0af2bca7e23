"""What the near-cache decides."""

from dataclasses import replace

import pytest

from schemas.documents import State
from serve.near_cache.moment import Moment, age_s, lag_s
from serve.near_cache.policy import FileState, Identity, changes, is_caught_up, is_made_anew, why_build
from serve.near_cache.rows import document_of, row_of
from tests.doubles.summaries import LONG_AGO, summary_of

NOW = Moment("boot-1", 1_000.0, 50_000.0)
IDENTITY = Identity("log", "job-summaries", "digest")
STATE = FileState(IDENTITY, {0: 5, 1: 7}, begun=Moment("boot-1", 900.0, 49_900.0), caught_up=NOW, num_entries=3)
BEGINS, ENDS = {0: 0, 1: 0}, {0: 5, 1: 9}


@pytest.mark.parametrize(
    ("state", "begins", "ends", "reason"),
    [
        (STATE, BEGINS, ENDS, None),
        (replace(STATE, caught_up=None), BEGINS, ENDS, None),
        (None, BEGINS, ENDS, "none"),
        (replace(STATE, begun=None, caught_up=None), BEGINS, ENDS, "cut off"),
        (replace(STATE, identity=Identity("other", "job-summaries", "digest")), BEGINS, ENDS, "another log"),
        (replace(STATE, identity=Identity("log", "job-summaries", "other")), BEGINS, ENDS, "another log"),
        (STATE, {0: 0}, {0: 5}, "2 partitions and the topic 1"),
        (STATE, {0: 6, 1: 0}, ENDS, "dropped"),
        (STATE, BEGINS, {0: 4, 1: 9}, "ends before"),
        (replace(STATE, caught_up=Moment("boot-1", 0.0, 50_000.0)), BEGINS, ENDS, "too old"),
        (replace(STATE, caught_up=Moment("boot-0", 0.0, 49_000.0)), BEGINS, ENDS, "too old"),
        (replace(STATE, caught_up=Moment("boot-0", 0.0, 50_001.0)), BEGINS, ENDS, "set back"),
    ],
)
def test_a_file_is_gone_on_with_only_where_that_is_right(state, begins, ends, reason: str | None):
    """Same log, offsets within it, and young enough that no deletion was dropped from it meanwhile."""
    found = why_build(state, IDENTITY, begins, ends, max_age_s=500.0, at=NOW)
    assert found is None if reason is None else reason in found


def test_only_a_higher_rev_changes_a_row():
    """Within a batch too; a null lets any follow."""
    one, two, three = (summary_of("a", f"v{rev}", rev=rev) for rev in (1, 2, 3))
    assert changes([("a", three), ("a", two)], {"a": 2}) == {"a": three}
    assert changes([("a", one), ("a", two)], {"a": 2}) == {}
    assert changes([("a", None)], {"a": 2}) == {"a": None}
    assert changes([("a", None), ("a", one)], {"a": 2}) == {"a": one}
    assert changes([("b", one)], {}) == {"b": one}


def test_caught_up_is_all_partitions():
    """At their ends, or beyond what they were."""
    assert is_caught_up({0: 5, 1: 9}, ENDS)
    assert is_caught_up({0: 6, 1: 9}, ENDS)
    assert not is_caught_up({0: 5, 1: 8}, ENDS)
    assert not is_caught_up({0: 5}, ENDS)
    assert not is_made_anew({0: 5, 1: 9}, ENDS)
    assert is_made_anew({0: 6, 1: 9}, ENDS)


def test_lag_is_of_this_start_of_the_machine_and_age_of_all():
    """Seconds since boot say nothing after another boot; the wall clock does, unless it was set back."""
    then = Moment("boot-1", 990.0, 12_345.0)
    assert lag_s(then, NOW) == 10.0
    assert lag_s(None, NOW) is None
    assert lag_s(replace(then, boot_id="boot-0"), NOW) is None
    assert age_s(then, NOW) == 10.0
    assert age_s(Moment("boot-0", 5_000.0, 49_000.0), NOW) == 1_000.0
    assert age_s(Moment("boot-0", 0.0, 51_000.0), NOW) is None


@pytest.mark.parametrize("token_ids", [(1, 65_535), (1, 65_536), (2**32 - 1,)])
def test_a_row_holds_what_scoring_reads(token_ids: tuple[int, ...]):
    """Every field of the document that a result shows; ids of this prompt."""
    document = summary_of("a", item_tokens={"digest": token_ids}, valid_through=LONG_AGO, rev=7)
    row = row_of(document, prompt_digest="digest", tokenise=lambda header, summary: pytest.fail("it has its ids"))
    found = document_of(row, "digest")
    for name in ("job_id", "rev", "state", "source_version", "item_version", "title", "place", "header", "summary"):
        assert getattr(found, name) == getattr(document, name), name
    for name in ("item_tokens", "valid_through", "event_time", "summarized_at", "is_deleted"):
        assert getattr(found, name) == getattr(document, name), name


def test_ids_of_another_prompt_are_made_anew_and_deleted_jobs_keep_no_text():
    """So a reader has them ready, and a deletion costs next to nothing."""
    row = row_of(summary_of("a", item_tokens={"old": (9,)}), prompt_digest="new", tokenise=lambda header, text: [4, 2])
    assert document_of(row, "new").item_tokens == {"new": (4, 2)}
    gone = document_of(
        row_of(summary_of("a", state=State.DELETED), prompt_digest="new", tokenise=lambda *_: [1]), "new"
    )
    assert gone.is_deleted
    assert (gone.header, gone.summary, gone.item_tokens) == ("", "", {})
