"""The lane to the ranker, without a scorer around it."""

import asyncio
from datetime import UTC, datetime

from schemas.api import TrafficClass
from schemas.deadline import Deadline
from schemas.errors import BackendUnavailable
from serve.admission import GUARANTEED_SHARES, Admission
from serve.cost import CostModel
from serve.flight import FlightKey, SingleFlight
from serve.lane import Lane, LaneLimits, Miss
from serve.limit import AdaptiveLimit
from serve.telemetry import Telemetry
from tests.doubles.engines import LexicalRanker


def _lane(ranker: LexicalRanker) -> tuple[Lane, Admission]:
    admission = Admission(AdaptiveLimit(least=100, most=10_000), CostModel(1_000), GUARANTEED_SHARES)
    lane = Lane(
        ranker,
        label_token_ids=(1, 2),
        limits=LaneLimits(pack_tokens=100, pack_items=10, packs_in_flight=1),
        flights=SingleFlight(),
        admission=admission,
        telemetry=Telemetry(),
        now=lambda: datetime.now(UTC),
    )
    return lane, admission


async def test_what_waits_when_the_lane_closes_is_settled_and_given_back():
    """The pack at the ranker and the held one behind it: both end, with a reason, and nothing stays in flight."""
    ranker = LexicalRanker()
    ranker.hold()
    lane, admission = _lane(ranker)
    futures = [
        *lane.send([1], [Miss(FlightKey("q", "sent"), [2])], Deadline.after(60)).values(),
        *lane.send([1], [Miss(FlightKey("q", "held"), [3])], Deadline.after(60), TrafficClass.REFRESH).values(),
    ]
    await ranker.started.wait()
    await lane.close()
    outcomes = await asyncio.gather(*futures)
    assert all(isinstance(outcome, BackendUnavailable) for outcome in outcomes)
    assert admission.in_flight == 0
    assert len(ranker.calls) == 1


async def test_what_expires_while_it_waits_is_settled_without_being_sent():
    """A slot that is free later does not take it."""
    ranker = LexicalRanker()
    ranker.hold()
    lane, admission = _lane(ranker)
    lane.send([1], [Miss(FlightKey("q", "sent"), [2])], Deadline.after(60))
    (late,) = lane.send([1], [Miss(FlightKey("q", "late"), [3])], Deadline.after(0.02)).values()
    assert "before a slot" in str(await late)
    assert admission.in_flight == 2
    ranker.release.set()
    await lane.close()
    assert len(ranker.calls) == 1
