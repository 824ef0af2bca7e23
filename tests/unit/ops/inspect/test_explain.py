"""Why a job is what it is: every state in plain words, every fault with its remedy."""

import io
import json
from datetime import timedelta

import pytest
from rich.console import Console

from ops.inspect.explain import explain, problems_of
from ops.inspect.present import story_fields, story_view
from ops.inspect.story import OpenRequest, OriginRecord, Waiting
from schemas.documents import State
from tests.doubles.documents import NOON, posting_document, summary_document
from tests.unit.ops.inspect.stories import letter, nothing, story, tail_of

FALLBACK = summary_document(state=State.FALLBACK, summarizer=None)
DELETED = summary_document(state=State.DELETED)
TOMBSTONED = summary_document(state=State.DELETED, event_time=None, summary="", header="")
REQUEST = OpenRequest("job-updates.resummarise[1]@5", "fallback", 2)
WAITING = Waiting("live", "job-updates[1]@9", NOON, "upsert", 7)


def of(document, **changes):
    posting = (
        None if document.is_deleted else posting_document().model_copy(update={"content_hash": document.content_hash})
    )
    return story(document=document, changelog=tail_of(document), posting=posting, **changes)


@pytest.mark.parametrize(
    ("told", "parts"),
    [
        (
            story(),
            ["Version 1 is served since 2026-03-01T12:00:00", "written by summarizer-double", "2 queries have it"],
        ),
        (of(summary_document(summarizer=None)), ["short enough to be its own summary: no model was asked"]),
        (of(FALLBACK, requests=(REQUEST,)), ["is a fallback", "It will be mended: a request stands at", "[1]@5"]),
        (of(FALLBACK, requests=()), ["is a fallback", "No request to mend it is open", "precis rollout start"]),
        (of(FALLBACK, requests=None), ["No request to mend it is open"]),
        (of(summary_document(), requests=(REQUEST,)), ["to be summarised anew"]),
        (of(DELETED), ["deleted by a delete of version 1", "posted again, needs no model", "2026-03-02T12:00"]),
        (of(TOMBSTONED), ["deleted by a tombstone", "scorers answer `deleted`"]),
        (of(summary_document(valid_through=NOON - timedelta(days=1))), ["has passed", "`expired`"]),
        (
            story(waiting=(WAITING,)),
            ["1 of its records are not committed yet", "(upsert of version 7) at job-updates[1]@9"],
        ),
        (story(origin=OriginRecord.OTHER_LOG), ["stood in another log"]),
        (nothing(letters=(letter(),)), ["Nothing is stored", "refused, the last with InvalidInput", "dlq show 0@4"]),
        (nothing(changelog=tail_of(DELETED)), ["has expired from the store", "precis changelog prune"]),
    ],
)
def test_the_paragraph_says_why_and_what_comes_next(told, parts):
    """What is served, where it comes from, what will happen to it."""
    text = explain(told)
    assert [part for part in parts if part not in text] == []
    assert "  " not in text


def test_stale_scores_are_explained_by_the_item_version():
    """The very version that scores must carry is named; of a deleted job no score is promised."""
    document = summary_document()
    assert f"only for item version {document.item_version}" in explain(story())
    assert "stale score" not in explain(of(DELETED))


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (story(changelog=tail_of(summary_document(rev=0))), "changelog is behind"),
        (story(changelog=tail_of(summary_document(rev=9))), "changelog is ahead"),
        (story(changelog=tail_of(None)), "another program writes there"),
        (story(changelog=tail_of(None, is_null=True)), "ends on a null"),
        (story(posting=None), "posting is not stored"),
        (story(posting=posting_document()), "another body"),
        (story(posting=posting_document(source_version=2)), "at work between the two writes"),
        (of(DELETED, letters=()), None),
        (story(document=DELETED, changelog=tail_of(DELETED)), "still stored: harmless"),
        (story(letters=(letter(4),)), "precis dlq show 0@4"),
        (story(letters=(letter(4),), replayed=frozenset({"0@4"})), None),
        (story(), None),
        (story(changelog=None), None),
    ],
)
def test_what_is_not_as_it_should_be_is_named(told, problem):
    """Each fault once, with what to do; a changelog without the key is none (the embedded broker forgets)."""
    problems = problems_of(told)
    assert len(problems) == (problem is not None)
    assert problem is None or problem in problems[0]


@pytest.mark.parametrize("told", [story(), of(FALLBACK), of(DELETED), of(TOMBSTONED), nothing(letters=(letter(),))])
def test_every_story_can_be_shown_and_written_as_json(told):
    """The JSON has the paragraph and the hashes that the table has."""
    console = Console(file=io.StringIO(), width=120)
    console.print(story_view(told), soft_wrap=True)
    assert explain(told) in console.file.getvalue()
    fields = json.loads(json.dumps(story_fields(told)))
    assert fields["explanation"] == explain(told)
    assert (fields["document"] is None) == (told.document is None)
    if told.document is not None:
        assert fields["document"]["item_version"] == told.document.item_version
