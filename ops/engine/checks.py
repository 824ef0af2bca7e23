"""The bundle's canaries and probes on an engine that has just started, asked as the services ask them."""

from dataclasses import dataclass

from models.bundle import Bundle, Role
from models.clients.canaries import TEXT_TOKENS, TOLERANCES, CanaryReport
from models.clients.completions import CompletionsClient
from models.clients.examination import examine_ranker, examine_summarizer
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from ops.engine.launch import Dtype, Task
from schemas.deadline import Deadline

__all__ = ["Verdict", "check_engine", "judge"]

_BUDGET_S = 600  # a billion parameters on one core write a few hundred tokens in it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the examination says of an engine.

    Attributes:
        problems: Why it must not be used; empty where it may.
        remark: A sentence for the person who started it.
    """

    problems: tuple[str, ...]
    remark: str


async def check_engine(task: Task, url: str) -> Verdict:
    """Examine the engine over HTTP, by the rules for its precision.

    Raises:
        PrecisError: It did not answer (see ``check_ranker``).
    """
    transport = EngineTransport(TransportConfig(base_url=url), backend=task.role.value)
    bundle, deadline = task.bundle, Deadline.after(_BUDGET_S)
    try:
        if task.role is Role.SUMMARIZER:
            num_tokens = TEXT_TOKENS[task.dtype]
            summarizer = CompletionsClient(transport)
            report = await examine_summarizer(summarizer, bundle, deadline=deadline, num_tokens=num_tokens)
        else:
            tolerance = TOLERANCES[task.dtype]
            report = await examine_ranker(ScoringClient(transport), bundle, deadline=deadline, tolerance=tolerance)
    finally:
        await transport.close()
    return judge(report, bundle, task.dtype)


def judge(report: CanaryReport, bundle: Bundle, dtype: Dtype) -> Verdict:
    """Whether the engine may be used. Pure.

    Args:
        report: Of the examination.
        bundle: What it asked from.
        dtype: The engine's precision.
    """
    if report.engine_revision not in {None, bundle.revision}:
        problem = (
            f"the engine serves {report.engine_revision!r}, the bundle is {bundle.revision!r}: another server answers "
            "at this address; choose another --port"
        )
        return Verdict((problem, *report.problems), "")
    if report.max_drift is None:
        return Verdict(report.problems, f"{report.num_canaries} canaries")
    if report.role is Role.RANKER:
        return Verdict(
            report.problems, f"{report.num_canaries} canaries, largest difference {report.max_drift:.1e} ({dtype})"
        )
    num_equal = round(report.num_canaries * (1 - report.max_drift))
    num_tokens = TEXT_TOKENS[dtype]
    what = "canary texts" if num_tokens is None else f"canary texts in their first {num_tokens} tokens"
    return Verdict(report.problems, f"{num_equal} of {report.num_canaries} {what} equal ({dtype})")
