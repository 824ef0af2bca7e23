"""The embedded broker: librdkafka's mock cluster, a Kafka-protocol broker inside this process.

It ships in the confluent-kafka wheel and starts in milliseconds, so the default profile needs no Java and no Docker.
What it is not: durable. It keeps its records in memory, at most 5 MiB a partition; it does not compact; it takes one
consumer a group, and no admin calls, so topics are created here. The store is the source of truth after a restart.

Bindings follow ``rdkafka_mock.h`` of librdkafka 2.
"""

import ctypes
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.errors import BackendUnavailable

__all__ = ["MAX_PARTITION_BYTES", "EmbeddedBroker"]

MAX_PARTITION_BYTES = 5 * 1024 * 1024
"""Older records of a partition are dropped above this: a publisher must not run further ahead of the consumers."""

_PRODUCER = 0  # rd_kafka_type_t
_BROKER_ID = 1
_ERROR_BYTES = 512


class EmbeddedBroker:
    """A one-node mock cluster. Use as a context manager; stopping it drops all records.

    Attributes:
        bootstrap: ``host:port`` that clients connect to.
        log_id: Identity of this run: offsets of two runs must never be compared (``schemas.documents.Origin``).
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        """Start the broker.

        Args:
            topics: Number of partitions of each topic.

        Raises:
            BackendUnavailable: librdkafka is missing, or refuses.
        """
        library = _load()
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        conf = library.rd_kafka_conf_new()
        # Severity 3: librdkafka writes to stderr by itself, and what clients do wrong they log themselves.
        library.rd_kafka_conf_set(conf, b"log_level", b"3", error, _ERROR_BYTES)
        self._library = library
        self._handle = library.rd_kafka_new(_PRODUCER, conf, error, _ERROR_BYTES)
        if not self._handle:
            raise _unavailable("start", error.value.decode())
        self._cluster = library.rd_kafka_mock_cluster_new(self._handle, 1)
        if not self._cluster:
            library.rd_kafka_destroy(self._handle)
            raise _unavailable("start", "no mock cluster could be created")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)
        library.rd_kafka_mock_set_controller_id(self._cluster, _BROKER_ID)
        for name, num_partitions in topics.items():
            code = library.rd_kafka_mock_topic_create(self._cluster, name.encode(), num_partitions, 1)
            if code:
                self.close()
                raise _unavailable("create topic", f"{name!r} with {num_partitions} partitions: error {code}")
        self.bootstrap: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self.log_id = f"embedded-{uuid.uuid4().hex[:12]}"

    def close(self) -> None:
        """Stop; records are gone. Idempotent."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._handle)
            self._cluster = None

    def refuse(self) -> None:
        """Close all connections and take no new ones until :meth:`accept`; records stay. For drills."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, _BROKER_ID)

    def accept(self) -> None:
        """Take connections again."""
        self._library.rd_kafka_mock_broker_set_up(self._cluster, _BROKER_ID)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _unavailable(operation: str, message: str) -> BackendUnavailable:
    return BackendUnavailable(message, backend="embedded broker", operation=operation)


def _load() -> ctypes.CDLL:
    import confluent_kafka

    bundled = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    names = sorted(str(path) for path in bundled.glob("librdkafka-*.so*"))
    try:
        library = ctypes.CDLL(names[0] if names else "librdkafka.so.1")
        return _declare(library)
    except (OSError, AttributeError) as error:
        message = f"librdkafka with its mock cluster is needed ({error}): reinstall confluent-kafka from its wheel"
        raise _unavailable("load", message) from error


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, size]),
        "rd_kafka_new": (pointer, [number, pointer, text, size]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_broker_set_down": (number, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_broker_set_up": (number, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_set_controller_id": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
