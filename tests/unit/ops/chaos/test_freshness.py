import pytest

from ops.chaos.bundles import Bundles
from ops.chaos.freshness import Judge, is_going_back
from schemas.documents import State
from tests.unit.ops.chaos.builders import QUERY, document, result


@pytest.fixture
def judge(bundles: Bundles) -> Judge:
    return Judge(bundles.prompt)


def _counts(judge, answer, before, after) -> list[str]:
    read = [{"job": found} if found else {} for found in (before, after)]
    return [finding.count for finding in judge.judge(QUERY, [answer], *read)]


def test_the_answer_of_what_was_read_before_is_fresh(judge, bundles) -> None:
    """Nothing was written in between, and exactly the stored document is answered."""
    assert _counts(judge, result(bundles, document(2)), document(2), document(2)) == []


def test_a_superseded_version_is_stale_whether_or_not_a_write_came_in_between(judge, bundles) -> None:
    """The version before the one that was read before the request."""
    old = result(bundles, document(1, rev=1))
    assert _counts(judge, old, document(2, rev=2), document(2, rev=2)) == ["stale"]
    assert _counts(judge, old, document(2, rev=2), document(3, rev=3)) == ["stale"]


def test_the_text_before_a_mending_is_stale(judge, bundles) -> None:
    """Same version, another summary: only the item version tells."""
    fallback = document(2, rev=2, summary="extractive")
    assert _counts(judge, result(bundles, fallback), document(2, rev=3), document(2, rev=3)) == ["stale"]


def test_a_write_during_the_call_may_be_seen_or_not(judge, bundles) -> None:
    """Both the version before and the one after are right."""
    before, after = document(2, rev=2), document(3, rev=3)
    assert _counts(judge, result(bundles, before), before, after) == []
    assert _counts(judge, result(bundles, after), before, after) == []


def test_a_deleted_job_is_stale_as_live(judge, bundles) -> None:
    """Deleted before the request; a re-post during the call has a higher version."""
    gone = document(2, rev=3, state=State.DELETED)
    back = document(3, rev=4)
    assert _counts(judge, result(bundles, document(2, rev=2)), gone, gone) == ["stale"]
    assert _counts(judge, result(bundles, document(2, rev=2)), gone, back) == ["stale"]
    assert _counts(judge, result(bundles, back), gone, back) == []
    assert _counts(judge, result(bundles, gone, reason="deleted"), gone, gone) == []


def test_a_live_job_is_stale_as_deleted_or_missing(judge, bundles) -> None:
    """It was re-posted, or stored, before the request."""
    live = document(3, rev=4)
    assert _counts(judge, result(bundles, live, reason="deleted"), live, live) == ["stale"]
    assert _counts(judge, result(bundles, None, reason="no_summary"), live, live) == ["stale"]
    assert _counts(judge, result(bundles, None, reason="no_summary"), live, document(4, rev=5)) == ["stale"]


def test_a_score_of_another_version_is_stale_under_the_right_version(judge, bundles) -> None:
    """What a cache without versions would answer: the new item version beside the old score."""
    wrong = result(bundles, document(2), scored=document(1))
    assert _counts(judge, wrong, document(2), document(2)) == ["stale"]
    assert _counts(judge, wrong, None, document(2)) == ["stale"]


def test_an_unscored_result_is_judged_by_its_version(judge, bundles) -> None:
    """The ranker was away: no score, but the version must not be old."""
    assert _counts(judge, result(bundles, document(2), reason="backend"), document(2), document(2)) == []
    assert _counts(judge, result(bundles, document(1), reason="backend"), document(2), document(2)) == ["stale"]


def test_a_job_twice_in_one_answer_is_a_duplicate(judge, bundles) -> None:
    """Each id was asked for once."""
    answer = result(bundles, document(1))
    findings = judge.judge(QUERY, [answer, answer], {"job": document(1)}, {"job": document(1)})
    assert [finding.count for finding in findings] == ["duplicate_visible"]


@pytest.mark.parametrize(
    ("earlier", "later", "goes_back"),
    [
        (document(2, rev=2), document(2, rev=2), False),
        (document(2, rev=2), document(3, rev=3), False),
        (document(2, rev=2), document(1, rev=3), True),
        (document(2, rev=3), document(2, rev=2), True),
    ],
)
def test_the_store_goes_back_by_version_or_by_rev(earlier, later, goes_back) -> None:
    """Either alone shows a write that put an older document over a newer one."""
    assert is_going_back(earlier, later) is goes_back
