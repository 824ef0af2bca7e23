"""The re-summarise lane driven step by step beside the writers of live updates, and an engine that comes and goes."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from schemas.documents import State, SummaryDocument
from schemas.errors import Overloaded
from schemas.resummarise import Reason, ResummariseRequest
from schemas.rollout import RolloutState
from store.ports import Cas
from stream.compose import Summary
from stream.resummarise import Resummariser
from tests.property.stream.writers import WatchedStore, run
from tests.unit.stream.builders import KnownRollout, RecordedRequests, pure_summary

__all__ = ["ComingAndGoing", "LaneStore", "LaneWriter", "start_rollout"]


class LaneStore(WatchedStore):
    """Checks every write of the lane besides: only the summary changes, and it never becomes extractive (L3, L5).

    Attributes:
        is_lane: Whether the write under way is the lane's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_lane = False

    async def put(self, document: SummaryDocument, *, cas: Cas | None, ttl_s: float | None = None) -> Cas | None:
        is_lane = self.is_lane
        before = self._live(document.job_id)
        token = await super().put(document, cas=cas, ttl_s=ttl_s)
        if is_lane:
            assert before is not None, "the lane writes only where something is stored"
            if token is not None:
                assert _kept(document) == _kept(before.document)
                assert not document.is_deleted
                assert document.state is State.FRESH or before.document.state is State.FALLBACK
        return token


def _kept(document: SummaryDocument) -> dict[str, Any]:
    return document.model_dump(
        include={
            "job_id",
            "source_version",
            "title",
            "place",
            "header",
            "content_hash",
            "posting_hash",
            "valid_through",
            "origin",
            "event_time",
        }
    )


class ComingAndGoing:
    """``SummaryMaker``: as ``PureSummaries`` while the engine is there; else a fallback for a cause that passes.

    Attributes:
        bodies: What was asked for, in order.
        answers: Whether the next calls are answered, one each; all that follow are. A test may add to it.
    """

    def __init__(self, answers: Iterable[bool]) -> None:
        self.answers = list(answers)
        self.bodies: list[str] = []

    async def summarize(self, body: str) -> Summary:
        self.bodies.append(body)
        is_there = self.answers.pop(0) if self.answers else True
        await asyncio.sleep(0)
        return pure_summary(body) if is_there else Summary(f"start of {body}", State.FALLBACK, None, cause="deadline")


class LaneWriter:
    """A worker of the lane that reads the requests in order; killed or put off, it gets the one at work again."""

    def __init__(self, resummariser: Resummariser, requests: RecordedRequests, store: LaneStore) -> None:
        self._resummariser = resummariser
        self._requests = requests
        self._store = store
        self._position = 0
        self._at_work: Coroutine[Any, Any, Any] | None = None

    @property
    def is_done(self) -> bool:
        return self._position == len(self._requests.requests)

    def step(self) -> None:
        """Go on to the next await; acknowledge the request where it ended."""
        if self._at_work is None:
            self._at_work = self._resummariser.resummarise(self._requests.requests[self._position])
        self._store.is_lane = True
        try:
            self._at_work.send(None)
        except StopIteration:
            self._at_work = None
            self._position += 1
        except Overloaded:
            self._at_work = None
        finally:
            self._store.is_lane = False

    def kill(self) -> None:
        """As by SIGKILL: nothing after this await happens, nothing is acknowledged."""
        if self._at_work is not None:
            self._at_work.close()
            self._at_work = None


def start_rollout(store: LaneStore, rollout: KnownRollout, requests: RecordedRequests, job_id: str = "job") -> None:
    """What `precis rollout start` does: the state first, then a request for each live document that is older."""
    rollout.state = RolloutState(generation=rollout.state.generation + 1)
    stored = run(store.get(job_id))
    if stored and not stored.document.is_deleted and stored.document.generation < rollout.state.generation:
        generation = rollout.state.generation
        requests.requests.append(ResummariseRequest(job_id=job_id, reason=Reason.ROLLOUT, generation=generation))
