"""Turns between scoring requests, and requests that end early."""

from collections.abc import Callable

from models.engine.errors import ClientGone, DeadlineExceeded
from models.engine.jobs import ScoreJob
from models.engine.layers import Model
from models.engine.score_lane import ScoreLane
from models.engine.telemetry import Telemetry


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lane_over(model: Model, clock: Clock) -> ScoreLane:
    return ScoreLane(model, max_batch_tokens=10, clock=clock, telemetry=Telemetry(clock))


def job_of(num_packs: int, *, deadline: float | None = None) -> ScoreJob:
    """A request whose items fill so many passes of ten tokens."""
    return ScoreJob(
        prefix=(1, 2),
        items=[[3] * 10] * num_packs,
        label_token_ids=(5, 6),
        is_softmax_over_labels=True,
        num_tokens=0,
        submitted_at=0.0,
        deadline=deadline,
    )


def test_a_small_request_does_not_wait_for_a_large_one(loaded: Callable) -> None:
    """Claim: requests take turns pack by pack, so one pack is answered in the second step."""
    lane = lane_over(loaded("gqa2")[0], Clock())
    large, small = job_of(20), job_of(1)
    lane.submit(large)
    lane.submit(small)
    lane.step()
    lane.step()
    assert small.done.done()
    assert not large.done.done()


def test_a_job_given_up_between_packs_stops_there(loaded: Callable) -> None:
    """Claim: a client that leaves, or a deadline that passes, stops a request after the pack that runs."""
    clock = Clock()
    lane = lane_over(loaded("gqa2")[0], clock)
    abandoned, late = job_of(20), job_of(20, deadline=3.0)
    lane.submit(abandoned)
    lane.submit(late)
    lane.step()
    lane.step()
    abandoned.is_abandoned = True
    clock.now = 3.0
    lane.step()
    assert isinstance(abandoned.done.exception(timeout=0), ClientGone)
    assert isinstance(late.done.exception(timeout=0), DeadlineExceeded)
    assert not lane.has_work
