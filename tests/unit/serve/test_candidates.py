"""What stands for a candidate."""

from datetime import timedelta

import pytest

from schemas.api import Reason
from schemas.documents import State
from schemas.text import single_line
from schemas.wire import DocumentObject
from serve.candidates import Item, Unservable, candidates_of, inline_item, item_of, items_of
from tests.doubles.summaries import LONG_AGO, summary_of


def _item_of(document):
    return item_of(document, prompt_digest="d", now=LONG_AGO)


def test_version_and_text_come_from_the_same_document():
    """The item carries the text of the document and the identity of exactly this text."""
    document = summary_of("a", "nights", item_tokens={"d": (1, 2), "other": (3,)})
    item = _item_of(document)
    assert isinstance(item, Item)
    assert (item.header, item.summary, item.version) == (document.header, "nights", document.item_version)
    assert item.token_ids == (1, 2)


def test_token_ids_of_another_template_are_not_used():
    """They would be another prompt."""
    item = _item_of(summary_of("a", item_tokens={"other": (3,)}))
    assert isinstance(item, Item)
    assert item.token_ids is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (None, Reason.NO_SUMMARY),
        (summary_of("a", state=State.DELETED), Reason.DELETED),
        (summary_of("a", valid_through=LONG_AGO - timedelta(seconds=1)), Reason.EXPIRED),
        (summary_of("a", state=State.DELETED, valid_through=LONG_AGO - timedelta(days=1)), Reason.DELETED),
    ],
)
def test_candidates_without_a_text_say_why(document, reason: Reason):
    """Missing, deleted, expired; deleted is said first."""
    found = _item_of(document)
    assert isinstance(found, Unservable)
    assert found.reason is reason


def test_repeated_ids_are_one_candidate():
    """In the order of their first mention."""
    assert list(items_of(["b", "a", "b"], {}, prompt_digest="d", now=LONG_AGO)) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "header", "summary"),
    [
        ("Nurse, Berlin\nNights.\nICU.", "Nurse, Berlin", "Nights. ICU."),
        ("  one line only ", "", "one line only"),
        ("<p>Nurse</p>", "", "Nurse"),
        ("", "", ""),
    ],
)
def test_inline_texts_have_a_header_where_they_have_several_lines(text: str, header: str, summary: str):
    """The first of several lines is the header; a single line is the summary."""
    item = inline_item(text, single_line)
    assert (item.header, item.summary, item.job_id) == (header, summary, None)


def test_documents_are_texts_or_name_a_stored_summary():
    """A string and an object with the same text are the same candidate; of a long text only the beginning is read."""
    text, as_object, job, long = candidates_of(
        ["Nurse", DocumentObject(text="Nurse"), DocumentObject(id="a"), "nurse " * 10_000]
    )
    assert text == as_object == inline_item("Nurse", single_line)
    assert job == "a"
    assert isinstance(long, Item)
    assert len(long.summary) < 5_000
