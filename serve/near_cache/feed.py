"""The feeder: steps 1 to 6 of the package's protocol. Its work on the file runs on a thread of its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import structlog

from schemas.documents import SummaryDocument
from schemas.errors import BackendError, BackendUnavailable
from serve.near_cache.changelog import Batch, Changelog, decoded
from serve.near_cache.config import NearCacheConfig
from serve.near_cache.election import elected
from serve.near_cache.file import NearCacheFile, broken_mark, is_damage, remove
from serve.near_cache.moment import Moment
from serve.near_cache.policy import Identity, Offsets, is_caught_up, is_made_anew, why_build
from serve.near_cache.rows import Tokenise
from serve.telemetry import Telemetry
from store.ports import ScannedSummary

__all__ = ["Feeder", "ScannableStore"]

T = TypeVar("T")

# As a batch of the log: decoding is Python's work beside the event loop.
_SCAN_PAGE = 100


@runtime_checkable
class ScannableStore(Protocol):
    """A store that can be read from end to end."""

    def scan(self, *, page_size: int = ...) -> AsyncIterator[Sequence[ScannedSummary]]:
        """See ``SummaryScan.scan``."""
        ...

    async def get_many(self, job_ids: Sequence[str]) -> dict[str, SummaryDocument]:
        """See ``SummaryStore.get_many``."""
        ...


class Feeder:
    """Keeps the file at the end of the log, whenever this process is the one to do it.

    Attributes:
        is_feeding: Whether it is.
        trouble: What failed last; None while nothing does.
    """

    def __init__(
        self,
        config: NearCacheConfig,
        *,
        open_changelog: Callable[[], Awaitable[Changelog]],
        prompt_digest: str,
        tokenise: Tokenise,
        scannable: ScannableStore | None,
        telemetry: Telemetry,
        now: Callable[[], Moment],
    ) -> None:
        """Plan it; :meth:`run` does it.

        Args:
            config: Where and how.
            open_changelog: Connects to the log; raises ``BackendUnavailable``.
            prompt_digest: What token ids are kept of.
            tokenise: Makes those that a document does not bring.
            scannable: What to build from; None builds from the log, which must be whole then.
            telemetry: Metrics.
            now: The clock.
        """
        self._config = config
        self._identity = Identity(config.log_id, config.topic, prompt_digest)
        self._open_changelog = open_changelog
        self._open_file = partial(NearCacheFile, config.path, prompt_digest=prompt_digest, tokenise=tokenise)
        self._scannable = scannable
        self._telemetry = telemetry
        self._now = now
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="near-cache-feed")
        self._log = structlog.get_logger("precis.near_cache")
        self.is_feeding = False
        self.trouble: str | None = None

    async def run(self) -> None:
        """Feed, for ever: what fails is logged and tried again, while the file's lag grows."""
        lock_file = self._config.path.with_name(f"{self._config.path.name}.lock")
        async with elected(lock_file, retry_s=self._config.retry_s):  # 1
            self.is_feeding = True
            try:
                while True:
                    await self._feed_once()
                    await asyncio.sleep(self._config.retry_s)
            finally:
                self.is_feeding = False
                # A commit under way ends before another process may begin.
                self._thread.shutdown(wait=True)

    async def _feed_once(self) -> None:
        try:
            changelog = await self._open_changelog()
            try:
                await self._feed(changelog)
            finally:
                await changelog.close()
        except (BackendError, sqlite3.Error, OSError) as error:
            trouble = f"{type(error).__name__}: {error}"
            if trouble != self.trouble:  # once, not at every try
                self._log.warning("near_cache.failed", error=trouble)
            self.trouble = trouble

    async def _feed(self, changelog: Changelog) -> None:
        file = await self._do(self._open_or_anew)
        try:
            await self._follow(changelog, file, await self._start(changelog, file))
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                await self._do(broken_mark(self._config.path).touch)  # removed at the next opening
            raise
        finally:
            await self._do(file.close)

    def _open_or_anew(self) -> NearCacheFile:
        if broken_mark(self._config.path).exists():
            self._log.error("near_cache.damaged", path=str(self._config.path))
            remove(self._config.path)
        try:
            return self._open_file()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._log.error("near_cache.damaged", path=str(self._config.path), error=repr(error))
            remove(self._config.path)
            return self._open_file()

    async def _start(self, changelog: Changelog, file: NearCacheFile) -> Offsets:
        """Steps 2 and 3: the offsets that the rows include."""
        state = await self._do(file.state)
        begins, ends = await changelog.begins(), await changelog.ends()
        reason = why_build(state, self._identity, begins, ends, max_age_s=self._config.max_age_s, at=self._now())
        if state is not None and reason is None:
            self._log.info("near_cache.resumed", entries=state.num_entries)
            offsets = state.offsets
        else:
            self._log.info("near_cache.build", reason=reason, source="store" if self._scannable else "log")
            offsets = await self._build(file, begins, ends)
        await changelog.seek(offsets)
        return offsets

    async def _build(self, file: NearCacheFile, begins: Offsets, ends: Offsets) -> Offsets:
        begun = self._now()
        if self._scannable is None:
            if any(begins.values()):
                raise BackendUnavailable(
                    f"topic {self._config.topic!r} does not begin at its beginning ({dict(begins)}), and this store "
                    "cannot be scanned: publish the summaries anew, or turn the near-cache off",
                    backend="near-cache",
                    operation="build",
                )
            await self._do(partial(file.empty, self._identity, begins, begun=begun))
            return begins
        await self._do(partial(file.empty, self._identity, ends, begun=None))
        async for page in self._scannable.scan(page_size=_SCAN_PAGE):
            found = await self._scannable.get_many([scanned.job_id for scanned in page])
            await self._do(partial(file.apply, list(found.items())))
        await self._do(partial(file.begin, begun))
        return ends

    async def _follow(self, changelog: Changelog, file: NearCacheFile, offsets: Offsets) -> None:
        """Steps 4 to 6, until the log was made anew or a reader met damage."""
        mark = broken_mark(self._config.path)
        before = self._now()
        while not mark.exists():
            asked = self._now()  # 4
            if asked.boot_s - before.boot_s > self._config.max_age_s:
                return  # this process was stopped for longer than deletions are kept: decide again
            ends = await changelog.ends()
            if is_made_anew(offsets, ends):
                return
            batch = await changelog.fetch(wait_s=self._config.poll_s)
            offsets, before = batch.offsets, asked
            caught_up = asked if is_caught_up(offsets, ends) else None
            await self._do(partial(self._apply, file, batch, caught_up))
            self.trouble = None

    def _apply(self, file: NearCacheFile, batch: Batch, caught_up: Moment | None) -> None:
        """Steps 5 and 6, on the thread."""
        records, num_refused = decoded(batch.records)
        num_written, num_removed = file.apply(records, batch.offsets, caught_up)
        for result, number in (("applied", num_written), ("removed", num_removed), ("refused", num_refused)):
            self._telemetry.near_cache_records.labels(result).inc(number)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
