"""What the official SDK asks of a server, the stand-in does."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import couchbase.subdocument as paths
import pytest
from couchbase.collection import Collection
from couchbase.durability import DurabilityLevel, ServerDurability
from couchbase.exceptions import (
    CASMismatchException,
    DocumentExistsException,
    DocumentNotFoundException,
    PathExistsException,
)
from couchbase.options import (
    GetOptions,
    InsertOptions,
    MutateInOptions,
    RemoveOptions,
    ReplaceOptions,
    UpsertOptions,
)
from couchbase.subdocument import StoreSemantics

from ops.standin import KvStandIn
from tests.integration.standin.clients import cluster_of, collection_of, make_collection


@pytest.fixture
def let_time_pass(kv_standin: KvStandIn) -> Iterator[Callable[[float], None]]:
    """Moves the shared stand-in's clock ahead, and back when the test is done."""
    moved: list[float] = []

    def advance(seconds: float) -> None:
        moved.append(seconds)
        kv_standin.advance_clock(seconds)

    yield advance
    kv_standin.advance_clock(-sum(moved))


@pytest.fixture
def collection(kv_standin: KvStandIn) -> Iterator[Collection]:
    """An empty collection on the shared stand-in, through the official SDK."""
    cluster = cluster_of(kv_standin)
    scope = f"test-{uuid.uuid4().hex[:12]}"
    make_collection(cluster, kv_standin, scope=scope)
    yield collection_of(cluster, kv_standin, scope=scope)
    cluster.close()


def test_each_kind_of_write_keeps_to_its_condition(collection: Collection) -> None:
    """Insert, replace and remove refuse what is there, is not there, or has changed since it was read."""
    first = collection.insert("key", {"n": 1})
    with pytest.raises(DocumentExistsException):
        collection.insert("key", {"n": 2})
    with pytest.raises(DocumentNotFoundException):
        collection.replace("nobody", {})
    second = collection.replace("key", {"n": 3}, ReplaceOptions(cas=first.cas))
    assert second.cas > first.cas
    with pytest.raises(CASMismatchException):
        collection.replace("key", {"n": 4}, ReplaceOptions(cas=first.cas))
    with pytest.raises(CASMismatchException):
        collection.remove("key", RemoveOptions(cas=first.cas))
    read = collection.get("key")
    assert (read.content_as[dict], read.cas) == ({"n": 3}, second.cas)
    collection.remove("key", RemoveOptions(cas=second.cas))
    assert not collection.exists("key").exists


def test_many_keys_are_read_at_once(collection: Collection) -> None:
    """Those that are there have results, the others say so."""
    collection.upsert_multi({f"key-{index}": index for index in range(100)})
    found = collection.get_multi([f"key-{index}" for index in range(101)])
    assert {key: result.content_as[int] for key, result in found.results.items()} == {
        f"key-{index}": index for index in range(100)
    }
    assert [type(error) for error in found.exceptions.values()] == [DocumentNotFoundException]


def test_documents_expire(collection: Collection, let_time_pass: Callable[[float], None]) -> None:
    """A touch puts it off, a write that preserves the expiry keeps it, any other write ends it."""
    minute = timedelta(seconds=60)
    for key in ("left", "touched", "read", "preserved", "rewritten"):
        collection.upsert(key, 1, UpsertOptions(expiry=minute))
    let_time_pass(30)
    collection.touch("touched", minute)
    assert collection.get_and_touch("read", minute).content_as[int] == 1
    collection.upsert("preserved", 2, UpsertOptions(preserve_expiry=True))
    collection.upsert("rewritten", 2)
    let_time_pass(32)
    assert {key: collection.exists(key).exists for key in ("left", "preserved")} == {"left": False, "preserved": False}
    assert {key: collection.exists(key).exists for key in ("touched", "read")} == {"touched": True, "read": True}
    let_time_pass(10_000)
    assert collection.get("rewritten", GetOptions(with_expiry=True)).expiry_time is None
    assert not collection.exists("touched").exists


def test_an_expired_document_is_not_in_the_way(collection: Collection, let_time_pass: Callable[[float], None]) -> None:
    """It can be inserted anew, and neither read nor replaced."""
    old = collection.insert("key", 1, InsertOptions(expiry=timedelta(seconds=5)))
    let_time_pass(7)
    with pytest.raises(DocumentNotFoundException):
        collection.replace("key", 2, ReplaceOptions(cas=old.cas))
    collection.insert("key", 3)
    assert collection.get("key").content_as[int] == 3


def test_parts_of_documents_are_changed_and_read(collection: Collection) -> None:
    """Members, elements and counters, with parents made on the way; what cannot be leaves all as it was."""
    collection.insert("key", {"a": {"b": [1, 2]}})
    changes = [
        paths.upsert("x.y", "new", create_parents=True),
        paths.array_append("a.b", 3),
        paths.array_prepend("a.b", 0),
        paths.increment("count", 5),
        paths.replace("a.b[1]", "one"),
    ]
    assert collection.mutate_in("key", changes).content_as[int](3) == 5
    asked = [paths.get("a.b"), paths.count("a.b"), paths.exists("nothing"), paths.get("x.y"), paths.get("a.b[-1]")]
    found = collection.lookup_in("key", asked)
    assert [found.content_as[lambda value: value](index) for index in (0, 1, 3, 4)] == [[0, "one", 2, 3], 4, "new", 3]
    assert not found.exists(2)
    with pytest.raises(PathExistsException):
        collection.mutate_in("key", [paths.upsert("z", 1), paths.insert("x", 1)])
    assert collection.get("key").content_as[dict] == {"a": {"b": [0, "one", 2, 3]}, "x": {"y": "new"}, "count": 5}


def test_attributes_beside_the_content(collection: Collection) -> None:
    """Extended attributes survive a write of the content; ``$document`` describes it."""
    cas = collection.insert("key", {"n": 1}, InsertOptions(expiry=timedelta(seconds=900))).cas
    with pytest.raises(CASMismatchException):
        collection.mutate_in("key", [paths.upsert("meta.v", 7, xattr=True)], MutateInOptions(cas=cas + 1))
    collection.mutate_in("key", [paths.upsert("meta.v", 7, xattr=True, create_parents=True)], MutateInOptions(cas=cas))
    collection.upsert("key", {"n": 22}, UpsertOptions(preserve_expiry=True))
    asked = [paths.get("meta.v", xattr=True), paths.get("$document", xattr=True)]
    found = collection.lookup_in("key", asked)
    about = found.content_as[dict](1)
    assert found.content_as[int](0) == 7
    assert about["value_bytes"] == len(b'{"n": 22}')
    assert about["exptime"] > 0
    assert int(about["CAS"], 16) == collection.get("key").cas


def test_a_mutation_can_make_its_document(collection: Collection) -> None:
    """Insert semantics: once."""
    semantics = MutateInOptions(store_semantics=StoreSemantics.INSERT)
    collection.mutate_in("key", [paths.upsert("a", 2)], semantics)
    assert collection.get("key").content_as[dict] == {"a": 2}
    with pytest.raises(DocumentExistsException):
        collection.mutate_in("key", [paths.upsert("a", 3)], semantics)


@pytest.mark.parametrize("level", list(DurabilityLevel))
def test_one_node_is_a_majority(collection: Collection, level: DurabilityLevel) -> None:
    """Every durability level is honoured without replicas."""
    collection.upsert("key", {"level": level.name}, UpsertOptions(durability=ServerDurability(level)))
    assert collection.get("key").content_as[dict] == {"level": level.name}
