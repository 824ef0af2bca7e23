"""What the bench publishes is what it says it measures."""

from datetime import UTC, datetime

from ops.bench.postings import Catalogue, job_id
from schemas.events import Upsert, decode_update
from stream.content import read_content


def test_every_posting_has_a_body_of_its_own_and_keeps_it():
    """Different prompts between numbers; from version to version no model is needed."""
    catalogue = Catalogue()
    first = [read_content(catalogue.posting(number, 1)) for number in range(0, 1_300, 13)]
    assert len({content.content_hash for content in first}) == len(first)
    later = [read_content(catalogue.posting(number, 2)) for number in range(0, 1_300, 13)]
    assert [content.content_hash for content in later] == [content.content_hash for content in first]


def test_every_second_posting_has_a_new_header_in_each_version():
    """Unchanged postings are a mix: sent again as they were, and dated anew."""
    catalogue = Catalogue()
    changed = [
        read_content(catalogue.posting(number, 1)).read.facts != read_content(catalogue.posting(number, 2)).read.facts
        for number in range(20)
    ]
    assert changed == [False, True] * 10


def test_records_are_what_the_service_reads():
    """Key, version and event time come through."""
    event_time = datetime(2026, 11, 23, tzinfo=UTC)
    update = decode_update(*Catalogue().record(7, 3, event_time))
    assert isinstance(update, Upsert)
    assert (update.job_id, update.version, update.event_time) == (job_id(7), 3, event_time)
