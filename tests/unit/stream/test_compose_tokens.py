"""Lengths and ids that the stored document tells are not counted again; they are always what counting would give."""

from datetime import UTC, datetime

import pytest

from models.bundle import PromptLimits
from models.prompts import RankerPrompt
from schemas.documents import NumTokens, Origin, State, SummaryDocument
from schemas.events import Upsert
from stream.compose import Composer, Summary
from stream.content import read_content
from tests.doubles.tokenizer import small_tokenizer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORIGIN = Origin(log="log", topic="job-updates", partition=0, offset=0, log_time=NOW)
BODY = "We are looking for a registered nurse. Night shift, part time. "


class CountingPrompt(RankerPrompt):
    """Notes what is counted."""

    def __init__(self) -> None:
        super().__init__(small_tokenizer(), PromptLimits())
        self.counted: list[str] = []

    def count_tokens(self, text: str) -> int:
        self.counted.append(text)
        return super().count_tokens(text)


def compose(
    prompt: RankerPrompt,
    previous: SummaryDocument | None,
    *,
    title: str,
    body: str = BODY,
    summary: str = "night shift",
) -> SummaryDocument:
    """The document of one upsert."""
    posting = {"@type": "JobPosting", "title": title, "description": body}
    update = Upsert(job_id="job-1", version=2, event_time=NOW, posting=posting)
    content = read_content(posting)
    composer = Composer(prompt, PromptLimits())
    header = composer.header(content, previous)
    written = Summary(summary, State.FRESH, None)
    return composer.live(update, content, header, written, origin=ORIGIN, previous=previous, now=NOW)


@pytest.mark.parametrize("title", ["Nurse", "Senior nurse"])
@pytest.mark.parametrize("body", [BODY, f"{BODY} Paid leave."])
@pytest.mark.parametrize("summary", ["night shift", "part time; night shift"])
def test_lengths_and_ids_are_those_of_counting_anew(title: str, body: str, summary: str) -> None:
    """Whatever of header, body and summary changes."""
    previous = compose(CountingPrompt(), None, title="Nurse")
    again = compose(CountingPrompt(), previous, title=title, body=body, summary=summary)
    anew = compose(CountingPrompt(), None, title=title, body=body, summary=summary)
    assert (again.item_tokens, again.num_tokens) == (anew.item_tokens, anew.num_tokens)


def test_an_unchanged_body_is_not_counted() -> None:
    """It is the longest text of all."""
    prompt = CountingPrompt()
    previous = compose(prompt, None, title="Nurse")
    assert any(len(text) > 50 for text in prompt.counted)
    prompt.counted.clear()
    compose(prompt, previous, title="Senior nurse")
    assert prompt.counted == ["Senior nurse"]
    assert all(len(text) < 50 for text in prompt.counted)


def test_lengths_by_another_tokenizer_are_not_taken_over() -> None:
    """The digest under which ids are stored says whose they are."""
    previous = compose(CountingPrompt(), None, title="Nurse").model_copy(
        update={"item_tokens": {"another": (1, 2)}, "num_tokens": NumTokens(raw=9_999, item=2)}
    )
    anew = compose(CountingPrompt(), None, title="Nurse")
    again = compose(CountingPrompt(), previous, title="Nurse")
    assert (again.item_tokens, again.num_tokens) == (anew.item_tokens, anew.num_tokens)


def test_a_header_that_is_stored_is_not_counted() -> None:
    """Most postings that are published again are as they were; the stored header says that it fits."""
    prompt = CountingPrompt()
    previous = compose(prompt, None, title="Nurse")
    prompt.counted.clear()
    assert compose(prompt, previous, title="Nurse").header == "Nurse"
    assert prompt.counted == []


@pytest.mark.parametrize("digest", ["another", "same"])
def test_a_stored_header_by_another_tokenizer_is_cut_anew(digest: str) -> None:
    """Only under the same digest does it tell anything."""
    prompt = CountingPrompt()
    long_title = "Nurse " * 500
    key = prompt.digest if digest == "same" else digest
    stored = compose(prompt, None, title="Nurse").model_copy(
        update={"header": long_title.strip(), "item_tokens": {key: (1, 2)}}
    )
    header = compose(prompt, stored, title=long_title).header
    assert (header == long_title.strip()) is (digest == "same")
