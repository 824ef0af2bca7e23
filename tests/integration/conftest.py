"""Real parts that the integration tests share: started once a session, where the first test asks."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ops.kafka import KafkaCluster
    from ops.standin import KvStandIn
    from tests.integration.fresh_topics import MakeTopics


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[KafkaCluster]":
    """Apache Kafka, one broker. A test that kills it restarts it; topics come from ``fresh_topics``."""
    from ops.kafka import KafkaCluster  # noqa: PLC0415 - only where a test asks for it

    with KafkaCluster(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster


@pytest.fixture
def kafka3(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[KafkaCluster]":
    """Apache Kafka, three brokers, for the one test that needs them."""
    from ops.kafka import KafkaCluster  # noqa: PLC0415 - as above

    with KafkaCluster(tmp_path_factory.mktemp("kafka3"), num_brokers=3) as cluster:
        yield cluster
        for broker in range(3):  # an orderly stop takes 5 s: the last two wait for a majority that is gone
            cluster.kill(broker)


@pytest.fixture
def fresh_topics(kafka: "KafkaCluster") -> "MakeTopics":
    """To make topics and a group on the session's broker that no other test uses: ``await make(num_partitions=4)``."""
    from tests.integration.fresh_topics import make_topics  # noqa: PLC0415 - as above

    return partial(make_topics, kafka.bootstrap, kafka.log_id)


@pytest.fixture(scope="session")
def kv_standin(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[KvStandIn]":
    """The stand-in for Couchbase's key-value service. A test that kills or pauses it brings it back."""
    from ops.standin import KvStandIn  # noqa: PLC0415 - as above

    with KvStandIn(tmp_path_factory.mktemp("standin")) as standin:
        yield standin
