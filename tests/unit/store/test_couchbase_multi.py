"""The SDK's multi-operations do not raise: every key's own failure is looked at, so that silence is never absence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from couchbase.exceptions import CouchbaseException, DocumentNotFoundException, UnAmbiguousTimeoutException

from store.couchbase import summaries
from store.couchbase.collections import Collections
from store.couchbase.rewrite import rewrite
from tests.doubles.documents import summary_document


@dataclass
class Found:
    """What a multi-get returns for one key that is there."""

    value: bytes
    cas: int = 1


@dataclass
class Multi:
    """What a multi-get returns."""

    results: dict[str, Found]
    exceptions: dict[str, CouchbaseException]


@dataclass
class HalfDeadCollection:
    """A collection on two nodes of which one does not answer."""

    documents: dict[str, bytes]
    unreachable: set[str]
    asked: list[int] = field(default_factory=list)

    def get_multi(self, keys: Sequence[str], _options: object) -> Multi:
        """As the SDK: results for some, exceptions for the others, nothing raised."""
        self.asked.append(len(keys))
        exceptions: dict[str, CouchbaseException] = {}
        for key in keys:
            if key in self.unreachable:
                exceptions[key] = UnAmbiguousTimeoutException(message="no answer")
            elif key not in self.documents:
                exceptions[key] = DocumentNotFoundException(message="not there")
        return Multi({key: Found(self.documents[key]) for key in keys if key not in exceptions}, exceptions)


def collections_of(collection: HalfDeadCollection) -> Collections:
    """The collection in all three places."""
    anything: Any = collection
    return Collections(
        cluster=None, postings=anything, summaries=anything, scores=anything, plain={}, cached={}, durable={}
    )


def test_a_node_that_does_not_answer_is_an_error_not_an_absence() -> None:
    """A job whose node is away must not look like a job without a summary."""
    documents = {"job-1": summary_document("job-1").model_dump_json().encode()}
    collection = HalfDeadCollection(documents, unreachable={"job-2"})
    assert summaries.get_many(collections_of(collection), ["job-1", "nobody"]) == {"job-1": summary_document("job-1")}
    with pytest.raises(UnAmbiguousTimeoutException):
        summaries.get_many(collections_of(collection), ["job-1", "job-2"])


def test_many_keys_go_in_batches() -> None:
    """250 at a time, each id once: one batch stays inside its timeout."""
    collection = HalfDeadCollection({}, unreachable=set())
    ids = [f"job-{index}" for index in range(600)]
    assert summaries.get_many(collections_of(collection), [*ids, *ids]) == {}
    assert collection.asked == [250, 250, 100]


def test_a_rewrite_reads_nothing_into_a_node_that_is_away() -> None:
    """Else a list that could not be read would be written anew, and lose what it held."""
    collection: Any = HalfDeadCollection({}, unreachable={"key-1"})
    with pytest.raises(UnAmbiguousTimeoutException):
        rewrite(collection, ["key-1"], lambda _key, _content: b"{}", ttl_s=60, options={})
