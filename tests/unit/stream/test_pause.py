"""Who pauses, and who resumes first."""

import pytest

from stream.pause import STEP_S, Pause
from stream.slots import Priority


def test_a_refusal_pauses_every_lane_and_live_work_resumes_first() -> None:
    """The engine is shared; each lower priority waits a step longer."""
    now = [10.0]
    pause = Pause(lambda: now[0])
    assert [pause.left_s(priority) for priority in Priority] == [0, 0, 0]
    pause.prolong(2.0)
    assert [pause.left_s(p) for p in Priority] == pytest.approx([2.0, 2.0 + STEP_S, 2.0 + 2 * STEP_S])
    now[0] = 12.0
    assert pause.left_s(Priority.LIVE) == 0
    assert pause.left_s(Priority.BACKFILL) > 0
    pause.prolong(1.0)  # live work was refused again in the step
    assert pause.left_s(Priority.BACKFILL) == pytest.approx(1.0 + STEP_S)


def test_a_pause_is_never_shortened_and_a_wait_of_zero_pauses_nobody() -> None:
    """A lane that alone puts something off says 0: the others go on."""
    pause = Pause(lambda: 0.0)
    pause.prolong(0.0)
    assert [pause.left_s(priority) for priority in Priority] == [0, 0, 0]
    pause.prolong(5.0)
    pause.prolong(1.0)
    assert pause.left_s(Priority.LIVE) == 5.0
