"""Stand-ins that a test may kill, and clients of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from couchbase.cluster import Cluster
from couchbase.collection import Collection

from ops.standin import KvStandIn
from tests.integration.standin.clients import Connect, cluster_of, collection_of, make_collection


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[KvStandIn]:
    """One of the test's own, with bucket, scope and collection."""
    with KvStandIn(tmp_path / "standin") as running:
        cluster = cluster_of(running)
        make_collection(cluster, running)
        cluster.close()
        yield running


@pytest.fixture
def connect(standin: KvStandIn) -> Iterator[Connect]:
    """Opens connections to it, which are closed after the test."""
    opened: list[Cluster] = []

    def open_one(timeout_s: float = 5.0) -> Collection:
        opened.append(cluster_of(standin, timeout_s=timeout_s))
        return collection_of(opened[-1], standin)

    yield open_one
    for cluster in opened:
        cluster.close()


@pytest.fixture
def collection(connect: Connect) -> Collection:
    """Its collection, through the official SDK."""
    return connect()
