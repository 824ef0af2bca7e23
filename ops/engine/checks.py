"""The bundle's canaries on an engine that has just started, and what their result means at its precision."""

from dataclasses import dataclass

from models.bundle import Bundle, Role
from models.clients.canaries import DEFAULT_TOLERANCE, CanaryReport, check_ranker, check_summarizer
from models.clients.completions import CompletionsClient
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from ops.engine.generative_scoring import GenerativeScoringClient
from ops.engine.launch import Dtype, EngineName, Task
from schemas.deadline import Deadline

__all__ = ["Verdict", "check_engine", "judge"]

# bfloat16 keeps 8 bits: logits of about 10 are right to a few hundredths, and so are shares of two labels.
_TOLERANCE = {Dtype.FLOAT32: DEFAULT_TOLERANCE, Dtype.BFLOAT16: 5e-2}
_BUDGET_S = 600  # a billion parameters on one core write a few hundred tokens in it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the canaries say of an engine.

    Attributes:
        problems: Why it must not be used; empty where it may.
        remark: A sentence for the person who started it.
    """

    problems: tuple[str, ...]
    remark: str


async def check_engine(engine: EngineName, task: Task, url: str) -> Verdict:
    """Ask the engine the bundle's canaries over HTTP.

    Raises:
        PrecisError: It did not answer (see ``check_ranker``).
    """
    transport = EngineTransport(TransportConfig(base_url=url), backend=task.role.value)
    deadline = Deadline.after(_BUDGET_S)
    bundle = task.bundle
    if task.role is Role.SUMMARIZER:
        summarizer = CompletionsClient(transport)
        try:
            return judge(await check_summarizer(summarizer, bundle, deadline=deadline), bundle, task.dtype)
        finally:
            await summarizer.close()
    ranker = (
        GenerativeScoringClient(transport, context_tokens=task.context_tokens)
        if engine is EngineName.VLLM
        else ScoringClient(transport)
    )
    try:
        tolerance = _TOLERANCE[task.dtype]
        return judge(await check_ranker(ranker, bundle, deadline=deadline, tolerance=tolerance), bundle, task.dtype)
    finally:
        await ranker.close()


def judge(report: CanaryReport, bundle: Bundle, dtype: Dtype) -> Verdict:
    """Whether the engine may be used. Pure.

    A float32 engine must write every summary as the reference does. In bfloat16 rounding may change a word, and all
    that follow it: there it is enough that one is the reference's, and the remark says how many are.
    """
    if report.engine_revision not in {None, bundle.revision}:
        problem = (
            f"the engine serves {report.engine_revision!r}, the bundle is {bundle.revision!r}: another server answers "
            "at this address; choose another --port"
        )
        return Verdict((problem, *report.problems), "")
    if report.role is Role.RANKER:
        drift = "" if report.max_drift is None else f", largest difference {report.max_drift:.1e} ({dtype})"
        return Verdict(report.problems, f"{report.num_canaries} canaries{drift}")
    different = [problem for problem in report.problems if "another summary than the reference" in problem]
    others = tuple(problem for problem in report.problems if problem not in different)
    num_equal = report.num_canaries - len(different)
    remark = f"{num_equal} of {report.num_canaries} canary texts equal ({dtype})"
    if dtype is Dtype.FLOAT32 or num_equal == 0:
        return Verdict(report.problems, remark)
    return Verdict(others, remark)
