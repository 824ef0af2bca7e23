"""Verification of the ranker before its scores are used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from schemas.errors import BackendUnavailable, PrecisError
from serve.verification import Verification


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
async def start() -> AsyncIterator[Callable[[ScriptedCanaries], Awaitable[Verification]]]:
    """Starts verifications and stops them at the end."""
    started: list[Verification] = []

    async def begin(canaries: ScriptedCanaries) -> Verification:
        verification = Verification(canaries, retry_s=0)
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
