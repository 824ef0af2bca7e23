"""Verification of the ranker before its scores are used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from schemas.errors import BackendUnavailable, PrecisError
from serve.verification import CanariesFailed, Verification


class ScriptedCanaries:
    """Gives one outcome an attempt; the test waits for attempts by number."""

    def __init__(self) -> None:
        self.outcomes: asyncio.Queue[str | Exception] = asyncio.Queue()

    async def __call__(self) -> str:
        outcome = await self.outcomes.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def give(self, outcome: str | Exception) -> None:
        """The next outcome, taken when this returns and acted on after a few turns."""
        await self.outcomes.put(outcome)
        while not self.outcomes.empty():  # noqa: ASYNC110 - the queue tells nobody when it was emptied
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)


def _drift() -> PrecisError:
    return BackendUnavailable("drift of 0.3", backend="ranker", operation="canaries")


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[Verification]]]:
    """Starts verifications and stops them at the end."""
    started: list[Verification] = []

    async def begin(canaries: ScriptedCanaries, **options: float) -> Verification:
        verification = Verification(canaries, retry_s=0, **options)
        verification.start()
        started.append(verification)
        return verification

    yield begin
    for verification in started:
        await verification.close()


async def test_nothing_may_be_scored_before_the_canaries_passed(start):
    """Until then the revision is refused with the reason; then it is the one that passed."""
    canaries = ScriptedCanaries()
    verification = await start(canaries)
    with pytest.raises(BackendUnavailable, match="not been scored yet"):
        verification.current()
    await canaries.give(_drift())
    with pytest.raises(BackendUnavailable, match=r"drift of 0\.3"):
        verification.current()
    await canaries.give("r1")
    assert verification.current() == "r1"


async def test_a_changed_ranker_is_verified_again_and_refused_where_it_drifts(start):
    """Another revision in an answer starts the canaries; a drift takes the permission away until they pass."""
    canaries = ScriptedCanaries()
    verification = await start(canaries)
    await canaries.give("r1")
    verification.observe("r2")
    assert verification.current() == "r1"
    await canaries.give(_drift())
    with pytest.raises(BackendUnavailable, match="drift"):
        verification.current()
    await canaries.give("r2")
    assert verification.current() == "r2"


async def test_an_unexpected_error_does_not_end_the_loop(start):
    """Whatever the client does, the next attempt comes."""
    canaries = ScriptedCanaries()
    verification = await start(canaries)
    await canaries.give(ValueError("bug"))
    await canaries.give("r1")
    assert verification.current() == "r1"


async def test_on_the_timer_two_failures_in_a_row_take_the_permission_and_a_pass_gives_it_back(start):
    """One odd answer stops nothing."""
    canaries = ScriptedCanaries()
    verification = await start(canaries, interval_s=1e-6)
    await canaries.give("r1")
    for outcome in (CanariesFailed("drift"), "r1", CanariesFailed("drift")):
        await canaries.give(outcome)
        assert verification.current() == "r1"
    await canaries.give(CanariesFailed("drift of canary 3"))
    with pytest.raises(BackendUnavailable, match="drift of canary 3"):
        verification.current()
    await canaries.give("r1")
    assert verification.current() == "r1"


async def test_on_the_timer_an_engine_that_gives_no_answer_is_not_judged(start):
    """Calls find out themselves that it is away; that its answers drift they would not."""
    canaries = ScriptedCanaries()
    verification = await start(canaries, interval_s=1e-6)
    await canaries.give("r1")
    away = BackendUnavailable("refused", backend="ranker", operation="score")
    for outcome in (away, away, CanariesFailed("drift"), away, away):
        await canaries.give(outcome)
        assert verification.current() == "r1"
    await canaries.give(CanariesFailed("drift"))
    with pytest.raises(BackendUnavailable, match="drift"):
        verification.current()


async def test_without_a_timer_nothing_is_asked_again(start):
    """Only another revision is a reason then."""
    canaries = ScriptedCanaries()
    verification = await start(canaries)
    await canaries.give("r1")
    canaries.outcomes.put_nowait(CanariesFailed("drift"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert canaries.outcomes.qsize() == 1
    assert verification.current() == "r1"
