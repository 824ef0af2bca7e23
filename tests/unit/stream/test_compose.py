"""Documents are what the ranker reads, within its limits, and what the next decision needs."""

from datetime import timedelta

from models.bundle import PromptLimits
from models.prompts import RankerPrompt
from schemas.documents import State
from stream.compose import Composer
from stream.content import read_content
from stream.decide import Remove
from tests.doubles.tokenizer import small_tokenizer
from tests.unit.stream.builders import EPOCH, composer, origin, pure_summary, stored, upsert

PROMPT = RankerPrompt(small_tokenizer(), PromptLimits())


def test_item_tokens_are_those_of_the_ranker_prompt() -> None:
    """A scorer with the same bundle uses them as they are."""
    document = stored(upsert(1))
    assert document.item_tokens == {PROMPT.digest: tuple(PROMPT.item_ids(document.header, document.summary))}
    assert document.num_tokens.item == len(document.item_tokens[PROMPT.digest])


def test_title_and_places_stand_apart_for_display() -> None:
    """Whatever segments the header has, a result can show its title and its places."""
    update = upsert(1, title="Nurse | ICU")
    update = update.model_copy(update={"posting": {**update.posting, "jobLocation": ["Leeds, GB", "York, GB"]}})
    document = stored(update)
    assert (document.title, document.place) == ("Nurse | ICU", "Leeds, GB; York, GB")
    assert stored(upsert(1)).place == ""


def test_header_keeps_the_rankers_limit() -> None:
    """However long the title is, and the raw length still counts all of the body."""
    update = upsert(1, "Night shift. " * 300, title="Registered nurse " * 40)
    document = stored(update)
    assert 0 < small_tokenizer().count(document.header) <= PromptLimits().header
    assert document.num_tokens.raw > small_tokenizer().count("Night shift. " * 300)


def test_rev_grows_even_where_the_clock_stands_still_or_falls_back() -> None:
    """Order of writes does not depend on the clocks of two writers."""
    before = stored(upsert(1))
    made, update = composer(), upsert(2)
    content = read_content(update.posting)
    for now in (EPOCH, EPOCH - timedelta(hours=1)):
        after = made.live(update, content, "Nurse", pure_summary(""), origin=origin(2), previous=before, now=now)
        assert after.rev == before.rev + 1


def test_deletion_keeps_text_and_identities_only() -> None:
    """Header, summary and hashes stay for a re-post; token ids nobody scores do not."""
    before = stored(upsert(3))
    gone = Composer(PROMPT, PromptLimits()).deleted("job", Remove(4, origin(9), None), previous=before, now=EPOCH)
    assert (gone.state, gone.source_version, gone.origin, gone.event_time) == (State.DELETED, 4, origin(9), None)
    assert (gone.header, gone.summary, gone.content_hash) == (before.header, before.summary, before.content_hash)
    assert gone.summarizer == before.summarizer
    assert gone.item_tokens == {}
    assert gone.rev > before.rev
