"""How the changelog stands to the store, and what is unknown."""

import pytest

from ops.inspect.story import Published
from schemas.documents import State
from tests.doubles.documents import summary_document
from tests.unit.ops.inspect.stories import letter, nothing, story, tail_of

GONE = summary_document(state=State.DELETED)


@pytest.mark.parametrize(
    ("of", "published"),
    [
        (story(), Published.EQUAL),
        (story(changelog=tail_of(summary_document(rev=0))), Published.BEHIND),
        (story(changelog=tail_of(summary_document(rev=2))), Published.AHEAD),
        (story(changelog=tail_of(summary_document(summary="another"))), Published.BEHIND),
        (story(changelog=None), Published.MISSING),
        (story(changelog=tail_of(None, is_null=True)), Published.NULLED),
        (story(changelog=tail_of(None)), Published.UNREADABLE),
        (nothing(changelog=tail_of(GONE)), Published.EXPIRED),
        (nothing(changelog=tail_of(summary_document())), Published.AHEAD),
        (nothing(changelog=tail_of(None, is_null=True)), Published.NULLED),
    ],
)
def test_the_changelog_is_compared_with_the_store(of, published):
    """Invariant c, by the whole document: an equal rev alone is not enough."""
    assert of.published is published


def test_a_job_is_unknown_only_where_nothing_at_all_is_there():
    """One dead letter, one waiting record or one changelog record is something."""
    assert nothing().is_unknown
    assert nothing(requests=None).is_unknown
    assert not nothing(letters=(letter(),)).is_unknown
    assert not nothing(changelog=tail_of(None, is_null=True)).is_unknown
    assert not story().is_unknown
