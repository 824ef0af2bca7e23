"""Stopping a Kafka consumer so that nothing of it is left, whether its broker is there or not."""

import asyncio
from typing import Any

__all__ = ["stop_consumer"]


async def stop_consumer(consumer: Any) -> None:
    """Stop an ``AIOKafkaConsumer``; never raises for what its broker does.

    ``stop`` of aiokafka 0.14 ends with the first of its own tasks that ends in an error or is cancelled in the midst of
    a request. Then its client is still there: a task that asks for metadata for ever, and the connection it asks by.
    """
    try:
        await asyncio.gather(consumer.stop(), return_exceptions=True)
    finally:
        await asyncio.gather(consumer._client.close(), return_exceptions=True)  # noqa: SLF001 (no public way)
