"""The generator as a process, against a scorer that answers as a test wants: what the measure can see."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ops.http_replies import Reply, serve
from ops.load.sending import Run, send
from ops.load.stale import History, Judge, Write
from ops.load.summary import figures
from ops.load.traffic import PlannedCall
from ops.supervise import free_port

_DEADLINE_S = 0.5
_SLOW_S = 0.8


def _calls(count: int, every_s: float) -> list[PlannedCall]:
    return [PlannedCall(number * every_s, "interactive", b"%d" % number) for number in range(count)]


def _answer(version: str = "v2") -> Reply:
    fields = {"job_id": "a", "item_version": version, "score": 0.5, "source": "model", "reason": None}
    return Reply(body={"results": [fields]})


@asynccontextmanager
async def _scorer(answer: Callable[[int], Awaitable[Reply]]):
    """Answers calls by their number; gives its address."""

    async def handle(_: str, body: bytes) -> Reply:
        return await answer(json.loads(body))

    port = free_port()
    serving = asyncio.create_task(serve(port, handle))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def _figures(run: Run):
    return figures(run.outcomes, seconds=1.0, deadline_s=_DEADLINE_S, num_candidates=1)


async def test_no_call_waits_for_an_answer(tmp_path: Path) -> None:
    """Forty calls that nobody answers until all have come: a loop that waited would never send the second."""
    num_calls, come = 40, asyncio.Event()
    numbers: list[int] = []

    async def answer(number: int) -> Reply:
        numbers.append(number)
        if len(numbers) == num_calls:
            come.set()
        await come.wait()
        return _answer()

    async with _scorer(answer) as url:
        run = await send(url, _calls(num_calls, 0.005), tmp_path, Judge(History()))
    assert sorted(numbers) == list(range(num_calls))
    assert {outcome.sent.status for outcome in run.outcomes} == {200}
    assert run.cost.cpu_s > 0
    assert list(tmp_path.iterdir()) == [tmp_path / "generator.log"]


async def test_a_slow_scorer_misses_deadlines(tmp_path: Path) -> None:
    """Every second answer takes longer than the deadline: those, and at least those, are misses."""

    async def answer(number: int) -> Reply:
        await asyncio.sleep(_SLOW_S if number % 2 else 0)
        return _answer()

    async with _scorer(answer) as url:
        found = _figures(await send(url, _calls(20, 0.01), tmp_path, Judge(History())))
    assert found["deadline_misses_admitted"] + found["late_sends_missed"] >= 10
    assert found["in_time_share"] <= 0.5
    assert found["latency_ms"]["p99"] > 1e3 * _DEADLINE_S


async def test_refusals_failures_and_silence_are_told_apart(tmp_path: Path) -> None:
    """By status; a connection that breaks is status 0, with its reason."""
    replies = [_answer(), Reply(status=429), Reply(status=503, body={"title": "no"}), Reply(is_reset=True)]

    async def answer(number: int) -> Reply:
        return replies[number]

    async with _scorer(answer) as url:
        run = await send(url, _calls(4, 0.05), tmp_path, Judge(History()))
    assert sorted(outcome.sent.status for outcome in run.outcomes) == [0, 200, 429, 503]
    assert [bool(outcome.sent.error) for outcome in run.outcomes if outcome.sent.status == 0] == [True]
    assert sum(outcome.num_scored for outcome in run.outcomes) == 1


async def test_an_answer_of_an_old_version_is_stale(tmp_path: Path) -> None:
    """Two versions were written before the first call; the second call's answer is of the first one."""
    history = History()
    history.note("a", Write(0.0, 1, "v1", is_deleted=False))
    history.note("a", Write(0.0, 2, "v2", is_deleted=False))
    judge = Judge(history)

    async def answer(number: int) -> Reply:
        return _answer("v1" if number == 1 else "v2")

    async with _scorer(answer) as url:
        await send(url, _calls(3, 0.01), tmp_path, judge)
    assert judge.num_judged == 3
    assert len(judge.stale) == 1


async def test_sending_ends_early_where_it_is_told_to(tmp_path: Path) -> None:
    """What was under way is waited for; what was not yet due is not sent."""
    until = asyncio.Event()

    async def answer(_: int) -> Reply:
        until.set()
        return _answer()

    async with _scorer(answer) as url:
        run = await send(url, _calls(10_000, 0.02), tmp_path, Judge(History()), until=until)
    assert 0 < len(run.outcomes) < 10_000
    assert {outcome.sent.status for outcome in run.outcomes} == {200}


async def test_a_plan_without_calls_begins_and_ends(tmp_path: Path) -> None:
    """Whoever looks at the site at both moments gets both."""
    seen: list[str] = []
    run = await send(
        f"http://127.0.0.1:{free_port()}",
        [],
        tmp_path,
        Judge(History()),
        on_begin=lambda: seen.append("begin"),
        on_end=lambda: seen.append("end"),
    )
    assert run.outcomes == []
    assert seen == ["begin", "end"]
