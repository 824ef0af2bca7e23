"""The near-cache of one scorer process: reads it, stands for election as its feeder, and tells how it is."""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from schemas.errors import BackendUnavailable
from serve.near_cache import moment
from serve.near_cache.changelog import Changelog, KafkaChangelog
from serve.near_cache.config import NearCacheConfig
from serve.near_cache.feed import Feeder, ScannableStore
from serve.near_cache.moment import Moment
from serve.near_cache.policy import FileState
from serve.near_cache.read import NearCacheReader
from serve.near_cache.rows import NearDocument, Tokenise
from serve.telemetry import Telemetry

__all__ = ["NearCache"]


class NearCache:
    """Summaries without asking the store, and how old they may be."""

    def __init__(
        self,
        config: NearCacheConfig,
        *,
        prompt_digest: str,
        tokenise: Tokenise,
        scannable: ScannableStore | None,
        telemetry: Telemetry,
        open_changelog: Callable[[], Awaitable[Changelog]] | None = None,
        now: Callable[[], Moment] = moment.now,
    ) -> None:
        """Plan it; :meth:`start` begins.

        Args:
            config: Where and how.
            prompt_digest: What token ids are kept of.
            tokenise: Makes those that a document does not bring; called on a thread.
            scannable: What to build the file from; None builds it from the topic.
            telemetry: Metrics.
            open_changelog: In place of the topic of the configuration.
            now: The clock.
        """
        self.config = config
        self._telemetry = telemetry
        self._now = now
        self._reader = NearCacheReader(config.path)
        self._feeder = Feeder(
            config,
            open_changelog=open_changelog or self._open_topic,
            prompt_digest=prompt_digest,
            tokenise=tokenise,
            scannable=scannable,
            telemetry=telemetry,
            now=now,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._seen: FileState | None = None

    def start(self) -> None:
        """Begin to feed, where this process is elected, and to watch."""
        self._telemetry.near_cache_lag.set_function(lambda: _or_infinite(self._lag_s(self._seen)))
        self._telemetry.near_cache_entries.set_function(lambda: self._seen.num_entries if self._seen else 0)
        self._telemetry.near_cache_feeding.set_function(lambda: self._feeder.is_feeding)
        self._tasks = [asyncio.create_task(self._feeder.run()), asyncio.create_task(self._watch())]

    async def read(self, job_ids: Sequence[str]) -> tuple[dict[str, NearDocument], float | None]:
        """Documents that are there, and the lag: they are, or are newer than, what was published so long ago.

        Returns:
            Job id -> document; and seconds, None while the near-cache is being built.

        Raises:
            BackendUnavailable: It cannot be read.
        """
        found = await self._reader.read(job_ids)
        return found.documents, self._lag_s(found.state)

    async def facts(self) -> dict[str, Any]:
        """For ``/info``."""
        try:
            state, unreadable = (await self._reader.read(())).state, None
        except BackendUnavailable as error:
            state, unreadable = None, str(error)
        lag_s = self._lag_s(state)
        followed = (state.caught_up or state.begun) if state else None
        age_s = moment.age_s(followed, self._now()) if followed else None
        return {
            "is_feeding": self._feeder.is_feeding,
            "trouble": unreadable or self._feeder.trouble,
            "lag_s": None if lag_s is None else round(lag_s, 3),
            "snapshot_age_s": None if age_s is None else round(age_s, 3),
            "max_lag_s": self.config.max_lag_s,
            "entries": state.num_entries if state else 0,
            "bytes": await self._reader.num_bytes(),
            "topic": self.config.topic,
            "offsets": dict(state.offsets) if state else {},
        }

    async def close(self) -> None:
        """Stop feeding, so that another process may, and close the file. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reader.close()

    async def _open_topic(self) -> Changelog:
        config = self.config
        return await KafkaChangelog.open(config.bootstrap_servers, config.topic, timeout_s=config.request_timeout_s)

    async def _watch(self) -> None:
        """For the metrics: a look at the file now and then, whoever feeds it."""
        while True:
            with contextlib.suppress(BackendUnavailable):  # the last look stands, and its lag grows
                self._seen = (await self._reader.read(())).state
            await asyncio.sleep(self.config.watch_s)

    def _lag_s(self, state: FileState | None) -> float | None:
        return moment.lag_s(state.caught_up, self._now()) if state else None


def _or_infinite(lag_s: float | None) -> float:
    return math.inf if lag_s is None else lag_s
