"""Faust's Kafka transport, with a fetch wait that can be set.

Faust asks the broker to hold an empty fetch for 1.5 s and offers no setting. Apache Kafka answers as soon as a record
arrives, so there the wait costs nothing; the embedded broker (librdkafka's mock cluster) holds it to the end, and every
update on an idle system would be that late.
"""

import asyncio
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver

__all__ = ["make_transport"]


def make_transport(app: faust.App, *, fetch_wait_s: float) -> driver.Transport:
    """The transport of an app that was not started yet; assign it to ``app.transport``.

    Args:
        app: Whose broker addresses are used.
        fetch_wait_s: Longest wait of an empty fetch, in seconds.
    """

    class Thread(driver.AIOKafkaConsumerThread):
        def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
            consumer: Any = super()._create_consumer(loop=loop)
            # Read when the consumer starts. Faust and aiokafka are both pinned to one version.
            consumer._fetch_max_wait_ms = round(fetch_wait_s * 1000)  # noqa: SLF001
            return consumer

    class Consumer(driver.Consumer):
        def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
            return Thread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    return Transport(app.conf.broker_consumer, app)
