"""The watch over the summarizer's canaries."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from schemas.errors import BackendProtocolError, BackendUnavailable, Overloaded, PrecisError
from stream.canaries import CanaryWatch
from stream.health import Health
from stream.pause import Pause
from stream.slots import Priority

FAIL = BackendProtocolError("canary 0: another summary", backend="summarizer", operation="canaries")
AWAY = BackendUnavailable("refused", backend="summarizer", operation="/v1/completions")
BUSY = Overloaded("full", retry_after_s=1)


class Stage:
    """A watch whose waits end at once, until its script is over."""

    def __init__(self, script: Sequence[PrecisError | None]) -> None:
        self.script = list(script)
        self.now_s = 0.0
        self.health = Health()
        self.pause = Pause(lambda: self.now_s)
        self.waits_s: list[float] = []
        self.seen: list[tuple[bool, bool]] = []
        self.over = asyncio.Event()

    async def check(self) -> None:
        if (outcome := self.script.pop(0)) is not None:
            raise outcome

    async def sleep(self, seconds: float) -> None:
        if self.waits_s:
            self.seen.append((not self.health.unsound, self.pause.left_s(Priority.LIVE) > 0))
        if not self.script:
            self.over.set()
            await asyncio.Event().wait()
        self.waits_s.append(seconds)
        self.now_s += seconds


async def play(*script: PrecisError | None) -> Stage:
    """After each run: (sound, paused)."""
    stage = Stage(script)
    watch = CanaryWatch(
        stage.check, health=stage.health, pause=stage.pause, interval_s=60, rng=random.Random(0), sleep=stage.sleep
    )
    task = asyncio.create_task(watch.run())
    await stage.over.wait()
    task.cancel()
    return stage


SOUND, UNSOUND = (True, False), (False, True)


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        ([None, None], [SOUND, SOUND]),
        ([FAIL, None, FAIL, None], [SOUND] * 4),
        ([FAIL, FAIL], [SOUND, UNSOUND]),
        ([FAIL, AWAY, BUSY, FAIL], [SOUND, SOUND, SOUND, UNSOUND]),
        ([AWAY, AWAY, AWAY], [SOUND] * 3),
        ([FAIL, FAIL, AWAY, FAIL], [SOUND, UNSOUND, UNSOUND, UNSOUND]),
    ],
    ids=["passes", "odd-answers", "twice", "twice-around-an-outage", "away", "away-while-unsound"],
)
async def test_two_failures_in_a_row_make_it_unsound_and_pause_the_lanes(
    script: list[PrecisError | None], seen: list[tuple[bool, bool]]
) -> None:
    """One odd answer does not, and an engine that gives no answer proves nothing either way."""
    assert (await play(*script)).seen == seen


async def test_it_recovers_by_itself() -> None:
    """A pass ends it; the pause runs out."""
    stage = await play(FAIL, FAIL, FAIL, None, None)
    assert [is_sound for is_sound, _ in stage.seen] == [True, False, False, True, True]
    assert stage.seen[-1] == SOUND


async def test_it_asks_once_an_interval_with_jitter_and_soon_after_a_failure() -> None:
    """Workers do not ask in step; a failure is confirmed at once, not a minute later."""
    stage = await play(None, None, None, FAIL, None, None)
    calm_s, retry_s = [*stage.waits_s[:4], stage.waits_s[5]], stage.waits_s[4]
    assert all(45 <= wait_s <= 75 for wait_s in calm_s)
    assert len(set(calm_s)) == 5
    assert retry_s == 5
