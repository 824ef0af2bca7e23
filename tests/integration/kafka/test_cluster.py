"""Apache Kafka as tests, harness and `precis stack up` run it: serves, dies, comes back with what it promised."""

import asyncio
import time
from collections.abc import Iterator
from itertools import count
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.kafka import KafkaCluster
from stream.topics import TopicSpec, create_topics

NUM_BEFORE, NUM_AFTER = 2_000, 2_000


class AcknowledgedNumbers:
    """Numbers that a producer has been promised; it keeps up to 500 outstanding."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.acknowledged: list[int] = []
        self.failures: list[object] = []
        self._topic = topic
        self._numbers: Iterator[int] = count()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 2,
                "reconnect.backoff.max.ms": 200,
                "delivery.timeout.ms": 60_000,
            }
        )

    def send_until(self, num_acknowledged: int) -> None:
        while len(self.acknowledged) < num_acknowledged:
            if len(self._producer) < 500:
                number = next(self._numbers)
                self._producer.produce(self._topic, value=str(number), on_delivery=self._note(number))
            self._producer.poll(0 if len(self._producer) < 500 else 0.05)
            assert not self.failures, self.failures

    def flush(self) -> None:
        assert self._producer.flush(60) == 0
        assert not self.failures, self.failures

    def _note(self, number: int):
        def on_delivery(error: object, _: object) -> None:
            self.failures.append(error) if error else self.acknowledged.append(number)

        return on_delivery


def numbers_in(bootstrap: str, topic: str, num_partitions: int) -> list[int]:
    """Every number that stands in the topic now."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid4().hex, "enable.auto.commit": False, "fetch.wait.max.ms": 50}
    )
    try:
        found: list[int] = []
        for number in range(num_partitions):
            partition = TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(partition, timeout=30)
            consumer.assign([partition])
            read = 0
            deadline_s = time.monotonic() + 60
            while read < end:
                assert time.monotonic() < deadline_s, f"{read} of {end} records of partition {number} were read"
                for message in consumer.consume(500, timeout=0.2):
                    if message.error():  # such as a leader that is being chosen
                        continue
                    found.append(int(message.value()))
                    read = message.offset() + 1
        return found
    finally:
        consumer.close()


def make_topic(cluster: KafkaCluster, *, num_partitions: int, replication_factor: int = 1) -> str:
    spec = TopicSpec(f"numbers.{uuid4().hex[:8]}", num_partitions)
    assert asyncio.run(create_topics(cluster.bootstrap, [spec], replication_factor=replication_factor)) == [spec.name]
    return spec.name


def test_nothing_acknowledged_is_lost_when_the_only_broker_is_killed(kafka: KafkaCluster) -> None:
    """SIGKILL in the middle of sending, then a restart on the same port and data.

    The producer goes on by itself, and every acknowledged record is there, once.
    """
    topic, address = make_topic(kafka, num_partitions=2), kafka.bootstrap
    numbers = AcknowledgedNumbers(address, topic)
    numbers.send_until(NUM_BEFORE)
    before = kafka.pids
    kafka.kill()
    assert not kafka.is_ready()
    kafka.restart()
    assert kafka.bootstrap == address
    assert kafka.pids != before
    numbers.send_until(NUM_BEFORE + NUM_AFTER)
    numbers.flush()
    assert sorted(numbers_in(address, topic, 2)) == sorted(numbers.acknowledged)


def test_a_name_that_is_asked_for_makes_no_topic(kafka: KafkaCluster) -> None:
    """A service that starts before its topics waits for them; a broker that makes them itself would hide that."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    assert admin.list_topics("nobody-made-this", timeout=30).topics["nobody-made-this"].error is not None
    assert "nobody-made-this" not in admin.list_topics(timeout=30).topics


def test_two_of_three_brokers_carry_on(kafka3: KafkaCluster) -> None:
    """With three replicas and two in sync a killed broker is missed by nobody.

    Acknowledgements by all that are in sync go on while it is away, and nothing acknowledged is lost.
    """
    topic = make_topic(kafka3, num_partitions=3, replication_factor=3)
    numbers = AcknowledgedNumbers(kafka3.bootstrap, topic)
    numbers.send_until(NUM_BEFORE)
    kafka3.kill(1)
    numbers.send_until(NUM_BEFORE + NUM_AFTER)
    assert not kafka3.is_ready(1)
    kafka3.restart(1)
    numbers.flush()
    assert sorted(numbers_in(kafka3.bootstrap, topic, 3)) == sorted(numbers.acknowledged)


def test_a_clean_stop_and_a_start_keep_everything(kafka: KafkaCluster) -> None:
    """Stopped as Kafka calls clean; later it is the same cluster with the same records."""
    topic, identity = make_topic(kafka, num_partitions=1), (kafka.bootstrap, kafka.log_id)
    numbers = AcknowledgedNumbers(kafka.bootstrap, topic)
    numbers.send_until(10)
    numbers.flush()
    kafka.stop()
    is_clean = (kafka.log_files[0].parent / "data" / ".kafka_cleanshutdown").exists()
    kafka.start()
    assert is_clean, kafka.log_files[0].read_text()
    assert (kafka.bootstrap, kafka.log_id) == identity
    assert sorted(numbers_in(kafka.bootstrap, topic, 1)) == sorted(numbers.acknowledged)
