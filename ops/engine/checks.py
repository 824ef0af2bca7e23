"""The bundle's canaries on an engine that has just started, and what their result means at its precision."""

from dataclasses import dataclass

from models.bundle import Bundle, Role, SummarizerCanary
from models.clients.canaries import DEFAULT_TOLERANCE, CanaryReport, check_ranker, check_summarizer
from models.clients.completions import CompletionsClient
from models.clients.ports import SummarizerEngine
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from models.prompts import SummarizerPrompt, TextTokenizer
from ops.engine.launch import Dtype, Task
from schemas.deadline import Deadline

__all__ = ["Verdict", "check_engine", "judge"]

# bfloat16 keeps 8 bits: logits of about 10 are right to a few hundredths, and so are shares of two labels.
_TOLERANCE = {Dtype.FLOAT32: DEFAULT_TOLERANCE, Dtype.BFLOAT16: 5e-2}
_BEGINNING_TOKENS = 8
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


async def check_engine(task: Task, url: str) -> Verdict:
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
            report = await check_summarizer(summarizer, bundle, deadline=deadline)
            num_begun = None
            if report.problems and task.dtype is not Dtype.FLOAT32:
                num_begun = await _count_equal_beginnings(summarizer, bundle, deadline)
            return judge(report, bundle, task.dtype, num_begun)
        finally:
            await summarizer.close()
    ranker = ScoringClient(transport)
    try:
        tolerance = _TOLERANCE[task.dtype]
        return judge(await check_ranker(ranker, bundle, deadline=deadline, tolerance=tolerance), bundle, task.dtype)
    finally:
        await ranker.close()


async def _count_equal_beginnings(engine: SummarizerEngine, bundle: Bundle, deadline: Deadline) -> int:
    """Of how many canaries the engine writes the first few tokens as the reference does."""
    tokenizer = TextTokenizer.from_file(bundle.tokenizer_file)
    prompt = SummarizerPrompt(tokenizer, bundle.manifest.limits)
    num_equal = 0
    for canary in bundle.manifest.canaries:
        assert isinstance(canary, SummarizerCanary)
        reference = canary.output_ids[:_BEGINNING_TOKENS]
        answer = await engine.complete(
            canary.prompt_ids,
            max_tokens=len(reference),
            stop_token_ids=prompt.stop_token_ids,
            deadline=deadline,
        )
        num_equal += prompt.summary(answer.text) == prompt.summary(tokenizer.decode(list(reference)))
    return num_equal


def judge(report: CanaryReport, bundle: Bundle, dtype: Dtype, num_begun: int | None = None) -> Verdict:
    """Whether the engine may be used. Pure.

    A float32 engine must write every summary as the reference does. In bfloat16 rounding changes a word sooner or
    later, and all that follow it: there half of the summaries must begin as the reference's, and the remark says how
    many are equal to their end.

    Args:
        report: Of the canaries.
        bundle: What they are from.
        dtype: The engine's precision.
        num_begun: Summaries whose first eight tokens are the reference's; None where it was not asked.
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
    remark = f"{report.num_canaries - len(different)} of {report.num_canaries} canary texts equal ({dtype})"
    if dtype is Dtype.FLOAT32 or num_begun is None or 2 * num_begun < report.num_canaries:
        return Verdict(report.problems, remark)
    return Verdict(others, f"{remark}, {num_begun} in their first {_BEGINNING_TOKENS} tokens")
