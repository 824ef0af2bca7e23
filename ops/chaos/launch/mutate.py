"""Breaks one step of a service from outside, by wrapping ports and public steps."""

import asyncio
import random
from contextvars import ContextVar
from typing import Any

from ops.chaos.launch.steps import Method, wrap
from ops.chaos.mutants import Mutant
from schemas.documents import Origin, SummaryDocument
from store.ports import Cas
from stream.decide import Outcome

__all__ = ["mutate"]

_GAP_S = 3.0

_background: set["asyncio.Task[Any]"] = set()
_has_written: ContextVar[bool] = ContextVar("has_written", default=False)


def mutate(mutant: Mutant, *, store: type, changelog: type, processor: type) -> None:
    """Break the step, in this process.

    Args:
        mutant: Which.
        store: Class of the store.
        changelog: Class of the changelog.
        processor: Class that processes updates (``stream.process.Processor``).
    """
    match mutant:
        case Mutant.ACK_BEFORE_WRITE:
            wrap(processor, "process", _in_background)
        case Mutant.PUT_WITHOUT_CAS:
            wrap(store, "put", _without_cas)
            wrap(store, "put_live", _without_cas_live)
        case Mutant.CACHE_HIT_WITHOUT_VERSION:
            _accept_any_version()
            wrap(store, "forget_job", _forgetting_nothing)
        case Mutant.PUBLISH_WITHOUT_REREAD:
            wrap(changelog, "publish", _after_a_gap)
            wrap(store, "is_current", _always_current)
        case Mutant.STALE_ONLY_ACKS:
            wrap(processor, "process", _forgetting_writes)
            wrap(store, "put", _noting_writes)
            wrap(store, "put_live", _noting_writes)
            wrap(changelog, "publish", _only_after_a_write)
        case Mutant.TOMBSTONE_WITHOUT_ORIGIN:
            Origin.is_after = _always  # type: ignore[method-assign, assignment]


def _always(_self: Origin, _other: Origin, /) -> bool:
    return True


def _in_background(process: Method) -> Method:
    from stream.process import Processed

    async def processed(self: Any, *args: Any, **named: Any) -> Processed:
        task = asyncio.ensure_future(process(self, *args, **named))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody is told
        task.add_done_callback(_background.discard)
        _background.add(task)
        return Processed(Outcome.SUMMARIZED, None)

    return processed


def _without_cas(put: Method) -> Method:
    async def written(self: Any, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Any:
        while True:
            new_cas = await put(self, document, cas=cas, ttl_s=ttl_s)
            if new_cas is not None:
                return new_cas
            stored = await self.get(document.job_id)
            cas = stored.cas if stored else None

    return written


def _without_cas_live(put_live: Method) -> Method:
    async def written(self: Any, document: SummaryDocument, posting: Any, *, cas: Cas | None) -> Any:
        while True:
            new_cas = await put_live(self, document, posting, cas=cas)
            if new_cas is not None:
                return new_cas
            stored, stored_posting = await self.get(document.job_id), await self.get_posting(document.job_id)
            cas = stored.cas if stored else None
            if posting is None and stored_posting is not None:
                changes = {"source_version": document.source_version, "posting_hash": document.posting_hash}
                posting = stored_posting.model_copy(update=changes)

    return written


def _accept_any_version() -> None:
    from serve import cache

    real = cache.is_usable

    def is_usable(entry: Any, _item_version: str, **named: Any) -> bool:
        return real(entry, entry.item_version, **named)

    cache.is_usable = is_usable  # type: ignore[assignment]


def _forgetting_nothing(_forget_job: Method) -> Method:
    """Best effort may fail: without it the version is all that keeps an old score from being used."""

    async def forgotten(_self: Any, _job_id: str) -> int:
        return 0

    return forgotten


def _after_a_gap(publish: Method) -> Method:
    async def published(self: Any, *args: Any, **named: Any) -> None:
        # A wider gap after the write: the signal that shows this mutant must fall into it.
        await asyncio.sleep(random.choice((0.0, random.uniform(0, _GAP_S))))
        await publish(self, *args, **named)

    return published


def _always_current(_is_current: Method) -> Method:
    async def current(_self: Any, _job_id: str, _cas: Cas) -> bool:
        return True

    return current


def _forgetting_writes(process: Method) -> Method:
    async def processed(self: Any, *args: Any, **named: Any) -> Any:
        _has_written.set(False)
        return await process(self, *args, **named)

    return processed


def _noting_writes(put: Method) -> Method:
    async def written(self: Any, *args: Any, **named: Any) -> Any:
        cas = await put(self, *args, **named)
        _has_written.set(_has_written.get() or cas is not None)
        return cas

    return written


def _only_after_a_write(publish: Method) -> Method:
    async def published(self: Any, *args: Any, **named: Any) -> None:
        if _has_written.get():
            await publish(self, *args, **named)

    return published
