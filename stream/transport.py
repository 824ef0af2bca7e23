"""Faust's Kafka transport, with a short fetch wait.

Faust asks the broker to hold an empty fetch for 1.5 s and offers no setting. Apache Kafka answers as soon as a record
arrives, so there the wait costs nothing; the embedded broker (librdkafka's mock cluster) holds it to the end, and every
update on an idle system would be that late.
"""

import asyncio
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver

__all__ = ["FETCH_WAIT_MS", "transport_for"]

FETCH_WAIT_MS = 50
"""Longest wait of an empty fetch, milliseconds: twenty small requests a second to each broker of an idle worker."""


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer: Any = super()._create_consumer(loop=loop)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 (read when it starts; both versions are pinned)
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


def transport_for(app: faust.App) -> _Transport:
    """The transport of an app that was not started yet; assign it to ``app.transport``."""
    return _Transport(app.conf.broker_consumer, app)
