"""What the interface shows of answers."""

from schemas.api import Reason, Source
from schemas.documents import State
from serve.calls import Result
from serve.views import best_first, summary_view
from tests.doubles.summaries import LONG_AGO, summary_of


def _result(score: float | None) -> Result:
    return Result(job_id="a", score=score, source=Source.MODEL if score is not None else Source.UNSCORED)


def test_best_first_keeps_ties_and_puts_unscored_last():
    """Equal scores keep the caller's order; a score of 0 is still a score."""
    scores = [None, 0.2, 0.9, 0.2, None, 0.0]
    assert best_first([_result(score) for score in scores]) == [2, 1, 3, 5, 0, 4]


def test_a_deleted_job_shows_no_text():
    """Only that it was deleted, and when."""
    view = summary_view(summary_of("a", state=State.DELETED), now=LONG_AGO)
    assert view.state is State.DELETED
    assert view.header is view.summary is view.item_version is None


def test_every_reason_and_source_is_a_word_of_the_interface():
    """They are values of the wire format: renaming one breaks clients."""
    assert {reason.value for reason in Reason} == {
        "no_summary",
        "deleted",
        "expired",
        "depth",
        "deadline",
        "overloaded",
        "backend",
    }
    assert {source.value for source in Source} == {"model", "cache", "fallback", "unscored"}
