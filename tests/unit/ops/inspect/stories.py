"""Stories of one job, of which a test names what matters to it."""

from ops.dlq.letters import read_letter
from ops.inspect.story import ChangelogTail, OriginRecord, Story
from tests.doubles.documents import NOON, posting_document, summary_document
from tests.unit.ops.dlq.letter_records import letter_record


def tail_of(document, *, is_null=False):
    return ChangelogTail("job-summaries[0]@3", NOON, document, is_null=is_null)


def story(**changes):
    """A job of which all is as it should be."""
    document = summary_document()
    posting = posting_document().model_copy(update={"content_hash": document.content_hash})
    fields = {
        "job_id": "job-1",
        "as_of": NOON,
        "document": document,
        "posting": posting,
        "num_scores": 2,
        "origin": OriginRecord.PRESENT,
        "changelog": tail_of(document),
        "letters": (),
        "replayed": frozenset(),
        "waiting": (),
        "requests": (),
        "deleted_ttl_s": 86_400.0,
    }
    return Story(**(fields | changes))


def nothing(**changes):
    """A job of which nothing is known."""
    empty = {"document": None, "posting": None, "num_scores": 0, "origin": None, "changelog": None}
    return story(**(empty | changes))


def letter(place=4):
    return read_letter(letter_record(place))
