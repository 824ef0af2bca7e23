"""One update of the probe's posting, followed from the topic to the score."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ops.probe.posting import probe_posting
from ops.probe.scorer import Shown, SummaryLook
from schemas.errors import PrecisError
from schemas.events import Delete, Upsert, encode_update
from schemas.posting import JobId
from stream.producer import Publisher

__all__ = ["Probe", "Result", "Run", "Stage", "run_fields"]

_POLL_S = 0.05


class Stage(StrEnum):
    """How far an update has come."""

    PUBLISHED = "published"
    """The broker has acknowledged it."""
    SERVABLE = "servable"
    """``GET /v1/summaries/{id}`` shows its version."""
    SCORED = "scored"
    """``POST /v1/score`` (strict) has scored its item version."""


class Result(StrEnum):
    """How following it ended."""

    OK = "ok"
    TIMEOUT = "timeout"
    """It did not come through in time."""
    STALE = "stale"
    """A score of an older item version was returned after the new one was shown: never right."""
    ERROR = "error"
    """It could not be published."""


@dataclass(slots=True)
class Run:
    """One update.

    Attributes:
        version: Version of the posting.
        result: How it ended.
        seconds: From just before it was published to each stage that was reached.
        reason: What was seen last, where it did not end well.
    """

    version: int
    result: Result = Result.TIMEOUT
    seconds: dict[Stage, float] = field(default_factory=dict)
    reason: str = ""


class Probe:
    """Updates one posting again and again. One run at a time."""

    def __init__(
        self,
        job_id: JobId,
        publisher: Publisher,
        topic: str,
        look: SummaryLook,
        *,
        timeout_s: float,
        is_long: bool,
        remove_timeout_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put together.

        Args:
            job_id: The posting's.
            publisher: Publishes updates.
            topic: Where to.
            look: How the scorer is asked.
            timeout_s: How long an update may take, in seconds.
            is_long: Whether its body needs a summarizer.
            remove_timeout_s: How long its end may take, in seconds; whoever pressed Ctrl-C waits for it.
            clock: Seconds, for durations.
        """
        self._job_id = job_id
        self._publisher = publisher
        self._topic = topic
        self._look = look
        self._timeout_s = timeout_s
        self._is_long = is_long
        self._remove_timeout_s = remove_timeout_s
        self._clock = clock
        self._version = 0

    @property
    def has_published(self) -> bool:
        """Whether there is something to remove."""
        return self._version > 0

    async def run_once(self) -> Run:
        """Publish the next version and follow it; whatever goes wrong is in what is returned."""
        version, now = self._next_version()
        run = Run(version)
        posting = probe_posting(self._job_id, version, is_long=self._is_long)
        update = Upsert(job_id=self._job_id, version=version, event_time=now, posting=posting)
        start_s = self._clock()
        key, value = encode_update(update)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._publisher.send(self._topic, key=key, value=value)
                run.seconds[Stage.PUBLISHED] = self._clock() - start_s
                await self._follow(run, start_s)
        except TimeoutError:
            reached = max(run.seconds, key=lambda stage: run.seconds[stage], default="not published")
            run.reason = f"{self._timeout_s:g} s passed; reached: {reached}; {run.reason or 'nothing was seen'}"
        except PrecisError as error:
            run.result, run.reason = Result.ERROR, str(error)
        return run

    async def remove(self) -> str:
        """Delete the posting and see that it is gone.

        Returns:
            What went wrong; empty where it is gone, or was never there.
        """
        if not self.has_published:
            return ""
        version, now = self._next_version()
        key, value = encode_update(Delete(job_id=self._job_id, version=version, event_time=now))
        seen = "its delete could not be published"
        try:
            async with asyncio.timeout(self._remove_timeout_s):
                await self._publisher.send(self._topic, key=key, value=value)
                while (shown := await self._look.summary(self._job_id)).is_there:
                    seen = f"its delete is published; the scorer: {shown.reason}"
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return (
                f"{self._job_id!r} is not seen to be gone after {self._remove_timeout_s:g} s: {seen}; "
                "the next run takes it over"
            )
        except PrecisError as error:
            return f"{self._job_id!r} could not be deleted: {error}; the next run takes it over"
        return ""

    async def _follow(self, run: Run, start_s: float) -> None:
        shown = await self._until_shown(run)
        run.seconds[Stage.SERVABLE] = self._clock() - start_s
        while True:
            scored = await self._look.scored_item_version(self._job_id)
            if scored.item_version:
                break
            run.reason = scored.reason
            await asyncio.sleep(_POLL_S)
        # Mended or updated by someone else between the two calls: then the newer one is right.
        if scored.item_version not in {shown.item_version, (await self._look.summary(self._job_id)).item_version}:
            run.result = Result.STALE
            run.reason = f"scored item version {scored.item_version}, shown before it {shown.item_version}"
            return
        run.seconds[Stage.SCORED] = self._clock() - start_s
        run.result, run.reason = Result.OK, ""

    async def _until_shown(self, run: Run) -> Shown:
        while True:
            shown = await self._look.summary(self._job_id)
            if shown.version is not None and shown.version >= run.version:
                return shown
            run.reason = shown.reason
            await asyncio.sleep(_POLL_S)

    def _next_version(self) -> tuple[int, datetime]:
        now = datetime.now(UTC)
        self._version = max(self._version + 1, int(now.timestamp() * 1000))
        return self._version, now


def run_fields(run: Run) -> dict[str, Any]:
    """A run as one JSON object."""
    seconds = {f"{stage}_s": round(run.seconds[stage], 4) if stage in run.seconds else None for stage in Stage}
    return {"version": run.version, "result": str(run.result), **seconds, "reason": run.reason}
