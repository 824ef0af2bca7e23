"""The product's store on a stand-in, quick to give up so that its faults take little time."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ops.standin import KvStandIn
from schemas.errors import BackendTimeout, BackendUnavailable
from store.couchbase import BreakerConfig, CouchbaseConfig

T = TypeVar("T")

LIMIT_S = 120.0
"""How long a state may take to come."""


def config_of(standin: KvStandIn, **changes: Any) -> CouchbaseConfig:
    """A scope of its own, short timeouts, a breaker that tries again soon."""
    fields: dict[str, Any] = {
        "connection_string": standin.connection_string,
        "username": standin.username,
        "password": standin.password,
        "bucket": standin.bucket,
        "scope": f"test-{uuid.uuid4().hex[:12]}",
        "kv_timeout_s": 1.0,
        "durable_timeout_s": 1.0,
        "scores_timeout_s": 1.0,
        "breaker": BreakerConfig(num_failures=3, first_pause_s=0.1, max_pause_s=0.2),
    }
    return CouchbaseConfig(**(fields | changes))


async def eventually(attempt: Callable[[], Awaitable[T]]) -> T:
    """What an operation returns once the store is back; its errors until then must be the two that say so."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                return await attempt()
            except (BackendTimeout, BackendUnavailable):
                await asyncio.sleep(0.02)
