"""The whole examination of an engine: canaries and probes, of every replica that can be reached.

A replica that is away is left out: nothing is known of it, and calls do not reach it either. Replicas must run one
model under one name, or a result's revision would say nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

from models.bundle import Bundle
from models.clients.canaries import CanaryReport, check_ranker, check_summarizer
from models.clients.ports import RankerEngine, SummarizerEngine
from models.clients.probes import probe_ranker
from schemas.deadline import Deadline
from schemas.errors import BackendTimeout, BackendUnavailable, DeadlineExceeded, Overloaded, PrecisError

__all__ = ["examine_ranker", "examine_summarizer"]

_Engine = TypeVar("_Engine")


@runtime_checkable
class _HasReplicas(Protocol):
    @property
    def address(self) -> str: ...

    def each(self) -> Sequence[Any]: ...


async def examine_ranker(engine: RankerEngine, bundle: Bundle, *, deadline: Deadline, tolerance: float) -> CanaryReport:
    """Canaries and probes of a ranker.

    Args:
        engine: The engine; each of its replicas is asked.
        bundle: The bundle that it should have loaded.
        deadline: Budget of all calls together.
        tolerance: Largest allowed difference of a score, see ``canaries.TOLERANCES``.

    Raises:
        PrecisError: As ``check_ranker``, where no replica gave an answer.
    """

    async def examine(replica: RankerEngine) -> CanaryReport:
        report = await check_ranker(replica, bundle, deadline=deadline, tolerance=tolerance)
        if report.engine_revision is None:
            return report
        found = await probe_ranker(replica, bundle, deadline=deadline, tolerance=tolerance)
        return replace(report, problems=(*report.problems, *found))

    return await _examined(engine, examine)


async def examine_summarizer(
    engine: SummarizerEngine, bundle: Bundle, *, deadline: Deadline, num_tokens: int | None
) -> CanaryReport:
    """Canaries of a summarizer.

    Args:
        engine: The engine; each of its replicas is asked.
        bundle: The bundle that it should have loaded.
        deadline: Budget of all calls together.
        num_tokens: Length of the beginnings that are compared, see ``canaries.TEXT_TOKENS``; None: whole texts.

    Raises:
        PrecisError: As ``check_summarizer``, where no replica gave an answer.
    """

    async def examine(replica: SummarizerEngine) -> CanaryReport:
        return await check_summarizer(replica, bundle, deadline=deadline, num_tokens=num_tokens)

    return await _examined(engine, examine)


async def _examined(engine: _Engine, examine: Callable[[_Engine], Awaitable[CanaryReport]]) -> CanaryReport:
    replicas = cast("Sequence[_Engine]", engine.each()) if isinstance(engine, _HasReplicas) else (engine,)
    reports: list[CanaryReport] = []
    failure: PrecisError | None = None
    for replica in replicas:
        try:
            report = await examine(replica)
        except (BackendTimeout, BackendUnavailable, DeadlineExceeded, Overloaded) as error:
            failure = error
            continue
        if len(replicas) > 1 and isinstance(replica, _HasReplicas):
            where = replica.address
            report = replace(report, problems=tuple(f"{where}: {problem}" for problem in report.problems))
        reports.append(report)
    if not reports:
        assert failure is not None
        raise failure
    return _merged(reports)


def _merged(reports: Sequence[CanaryReport]) -> CanaryReport:
    revisions = sorted({report.engine_revision for report in reports if report.engine_revision is not None})
    problems = [problem for report in reports for problem in report.problems]
    if len(revisions) > 1:
        problems.append(f"replicas report the revisions {', '.join(revisions)}: serve one model under one name")
    return replace(
        reports[0],
        engine_revision=revisions[0] if revisions else None,
        max_drift=max((report.max_drift for report in reports if report.max_drift is not None), default=None),
        problems=tuple(problems),
    )
