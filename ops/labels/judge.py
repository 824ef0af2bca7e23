"""`precis label judge`: estimate, run, report."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console

from models.labels.endpoint import Endpoint, EndpointConfig
from models.labels.estimate import Prices, counting, estimate
from models.labels.files import make_header
from models.labels.growing import GrowingLabels, finished_pairs, open_growing, peek_header
from models.labels.judge import Judge, Tally, judge_pairs
from models.labels.judgement import Judgement, Method
from models.labels.pairs import Pair, read_pairs, read_posting_texts
from models.labels.prompt import PROMPT_VERSION, JudgePrompt, read_rubric
from models.labels.wires import Asked
from ops.labels.judge_report import JudgeReport
from schemas.canonical import content_hash
from schemas.errors import ConfigurationError

__all__ = ["JudgeOptions", "run_judge"]

_FAILED, _STOPPED = 1, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """What the command was given."""

    pairs: Path
    out: Path
    postings: Path | None
    """Where the postings stand that the pairs only name."""
    endpoint: EndpointConfig
    asked: Asked
    method: Method | None
    """None: the best that the endpoint allows."""
    num_samples: int
    rubric: Path | None
    max_posting_chars: int
    max_failures: int
    tokenizer: Path | None
    """What the estimate counts with."""
    prices: Prices | None
    only_estimate: bool
    as_json: bool


async def run_judge(options: JudgeOptions) -> int:
    """Do it, step by step.

    1. Read everything once: errors and costs are known before anything is sent. 2. Learn the method. 3. Judge.

    Returns:
        Exit status: 0 every pair has a label; 1 some could not be judged; 130 stopped by Ctrl-C or SIGTERM.

    Raises:
        PrecisError: As ``read_pairs``, ``open_growing`` and ``judge_pairs``.
    """
    texts = read_posting_texts(options.postings) if options.postings else {}
    prompt = JudgePrompt(read_rubric(options.rubric), options.max_posting_chars)

    method = options.method or _recorded_method(options.out)
    finished = (
        finished_pairs(options.out, make_header("judge", _settings(options, prompt, method))) if method else set()
    )
    counted, assumed = counting(options.tokenizer), method or Method.LOGPROBS
    planned = estimate(
        read_pairs(options.pairs, texts), finished, prompt, counted, assumed, num_samples=options.num_samples
    )
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    report = JudgeReport(console, planned, options.prices, options.max_posting_chars)
    report.begin(counted.name, assumed)
    tally = Tally()
    if options.only_estimate or not planned.num_left:
        report.end(tally, method, options.out, is_whole=True, as_json=options.as_json)
        return 0

    endpoint = Endpoint(options.endpoint, on_retry=report.retry)
    try:
        judge = Judge(endpoint, options.asked, prompt, options.num_samples)
        pairs = read_pairs(options.pairs, texts)
        method = method or await judge.method_for(next(read_pairs(options.pairs, texts)))

        def ask(pair: Pair) -> Awaitable[Judgement]:
            return judge.judge(pair, method, tally)

        header = make_header("judge", _settings(options, prompt, method))
        with open_growing(options.out, header) as labels, report.progress(tally) as on_progress:
            is_whole = await _judged(options, pairs, ask, labels, tally, on_progress)
    finally:
        await endpoint.close()
    report.end(tally, method, options.out, is_whole=is_whole, as_json=options.as_json)
    if not is_whole:
        return _STOPPED
    return _FAILED if tally.failures else 0


async def _judged(
    options: JudgeOptions,
    pairs: Iterator[Pair],
    ask: Callable[[Pair], Awaitable[Judgement]],
    labels: GrowingLabels,
    tally: Tally,
    on_progress: Callable[[], None],
) -> bool:
    """Whether it came to its end; no: a signal stopped it."""
    limits = {"concurrency": options.endpoint.concurrency, "max_failures": options.max_failures}
    running = asyncio.create_task(judge_pairs(pairs, ask, labels, tally, on_progress=on_progress, **limits))
    with _stopped_by_signals(running):
        await asyncio.wait({running})
    if running.cancelled():
        return False
    await running
    return True


@contextmanager
def _stopped_by_signals(task: asyncio.Task[None]) -> Iterator[None]:
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _recorded_method(path: Path) -> Method | None:
    header = peek_header(path)
    if header is None:
        return None
    try:
        return Method(str(header.settings.get("grade_from")))
    except ValueError as error:
        raise ConfigurationError(
            f"{str(path)!r} was not made by `precis label judge`, but by {header.method!r}: name another file"
        ) from error


def _settings(options: JudgeOptions, prompt: JudgePrompt, method: Method) -> dict[str, JsonValue]:
    """All that changes a label. Not the address: the same model may move."""
    asked = options.asked
    settings: dict[str, JsonValue] = {
        "model": asked.model,
        "api": asked.api.value,
        "prompt": PROMPT_VERSION,
        "rubric": content_hash(prompt.rubric),
        "max_posting_chars": prompt.max_posting_chars,
        "grade_from": method.value,
        "max_tokens": asked.max_tokens,
        "extra": dict(asked.extra),
    }
    if method is Method.SAMPLES:
        settings |= {"num_samples": options.num_samples, "temperature": asked.temperature}
    if method is Method.LOGPROBS:
        settings |= {"top_logprobs": asked.top_logprobs}
    return settings
