"""What the stand-in has acknowledged, it has: however its process ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from couchbase.collection import Collection
from couchbase.durability import DurabilityLevel, ServerDurability
from couchbase.exceptions import CASMismatchException, CouchbaseException, DocumentNotFoundException
from couchbase.options import InsertOptions, RemoveOptions, ReplaceOptions

from ops.standin import KvStandIn
from tests.integration.standin.clients import Connect, cluster_of, collection_of

NUM_WRITERS = 12
DURABLE = {"durability": ServerDurability(DurabilityLevel.MAJORITY)}
State = int | None
"""Content of a key; None: there is no document."""


@dataclass
class Writer:
    """Writes one key again and again, and remembers what it was told."""

    key: str
    state: State = None
    cas: int = 0
    asked_for: State = None
    is_asking: bool = False
    num_acknowledged: int = 0
    acknowledged_enough: threading.Event = field(default_factory=threading.Event)

    def write(self, collection: Collection) -> None:
        """One write after the other, every seventh a removal, until one is not acknowledged."""
        number = self.num_acknowledged
        while True:
            number += 1
            self.asked_for = None if number % 7 == 0 and self.state is not None else number
            self.is_asking = True
            try:
                self.cas = self._ask(collection, self.asked_for)
            except CouchbaseException:
                return
            self.state, self.is_asking = self.asked_for, False
            self.num_acknowledged = number
            if number % 50 == 0:
                self.acknowledged_enough.set()

    def check(self, collection: Collection) -> None:
        """The key holds what was acknowledged, or what was asked for and not answered; nothing older, nothing else."""
        try:
            found = collection.get(self.key)
            state, cas = found.content_as[int], found.cas
        except DocumentNotFoundException:
            state, cas = None, 0
        assert state == self.state or (self.is_asking and state == self.asked_for), self
        if state is not None and state == self.state:
            assert cas == self.cas, self
            with pytest.raises(CASMismatchException):
                collection.replace(self.key, -1, ReplaceOptions(cas=cas - 1))
        self.state, self.cas, self.is_asking = state, cas, False
        self.acknowledged_enough.clear()

    def _ask(self, collection: Collection, wanted: State) -> int:
        if wanted is None:
            collection.remove(self.key, RemoveOptions(cas=self.cas, **DURABLE))
            return 0
        if self.state is None:
            return int(collection.insert(self.key, wanted, InsertOptions(**DURABLE)).cas)
        return int(collection.replace(self.key, wanted, ReplaceOptions(cas=self.cas, **DURABLE)).cas)


def test_every_acknowledged_write_survives_sigkill_under_load(standin: KvStandIn, connect: Connect) -> None:
    """Five times: twelve writers over three connections, killed amid their writes, started again on the same port."""
    writers = [Writer(f"key-{index}") for index in range(NUM_WRITERS)]
    with ThreadPoolExecutor(NUM_WRITERS) as threads:
        for _ in range(5):
            clusters = [cluster_of(standin, timeout_s=30) for _ in range(3)]
            collections = [collection_of(cluster, standin) for cluster in clusters]
            ended = [
                threads.submit(writer.write, collections[index % len(collections)])
                for index, writer in enumerate(writers)
            ]
            assert all(writer.acknowledged_enough.wait(60) for writer in writers)
            standin.kill()
            for cluster in clusters:
                cluster.close()  # ends what waits for an answer that will not come
            for end in ended:
                end.result(60)
            standin.start()
            fresh = connect()
            for writer in writers:
                writer.check(fresh)
    assert all(writer.num_acknowledged >= 5 * 40 for writer in writers)


def test_layout_survives_and_what_was_dropped_does_not(standin: KvStandIn, collection: Collection) -> None:
    """Bucket, scope and collection with their documents are there after SIGKILL; a new one of an old name is empty."""
    collection.insert("key", "old")
    standin.kill()
    standin.start()
    cluster = cluster_of(standin)
    manager = cluster.bucket(standin.bucket).collections()
    names = {scope.name: [each.name for each in scope.collections] for scope in manager.get_all_scopes()}
    assert names == {"_default": ["_default"], "things": ["kept"]}
    assert collection_of(cluster, standin).get("key").content_as[str] == "old"
    manager.drop_collection("things", "kept")
    manager.create_collection("things", "kept")
    standin.kill()
    standin.start()
    again = cluster_of(standin)
    assert not collection_of(again, standin).exists("key").exists
    cluster.close()
    again.close()


def test_tokens_go_on_above_the_old_ones(standin: KvStandIn, collection: Collection) -> None:
    """A token from before a restart is never given out again, so it never fits another write."""
    standin.advance_clock(3_600)  # the next process's clock will be behind
    before = collection.upsert("key", 1).cas
    collection.remove("key")
    standin.kill()
    standin.start()
    after = collection.insert("key", 2).cas
    assert after > before
    with pytest.raises(CASMismatchException):
        collection.replace("key", 3, ReplaceOptions(cas=before))
