"""The follower on the embedded broker: what it knows at its start, what it learns, what it does without a broker."""

import asyncio
from collections.abc import Iterator

import pytest

from ops.broker import EmbeddedBroker
from schemas.errors import BackendUnavailable
from schemas.rollout import RolloutPhase, RolloutState, encode_rollout
from stream.rollout import RolloutFollower
from stream.telemetry import Telemetry
from tests.integration.stream.kafka import eventually, publish

TOPIC = "job-rollouts"


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({TOPIC: 1}) as running:
        yield running


async def _knows(follower: RolloutFollower, state: RolloutState) -> bool:
    return follower.state == state


async def test_before_any_rollout_nothing_is_known(broker: EmbeddedBroker) -> None:
    """Generation 0, running: the lane mends fallbacks."""
    follower = RolloutFollower(broker.bootstrap, TOPIC, telemetry=Telemetry())
    await follower.start()
    assert (follower.generation, follower.is_paused) == (0, False)
    await follower.stop()
    await follower.stop()


async def test_what_was_known_when_the_service_starts_is_known_before_its_first_record(broker: EmbeddedBroker) -> None:
    """The last state counts; what is none, or older, changes nothing. Then changes arrive."""
    states = [RolloutState(generation=number) for number in (1, 2)]
    bad: list[tuple[bytes | None, bytes | None]] = [(b"other", b"{}"), (b"rollout", b"nonsense"), (b"rollout", None)]
    await publish(broker.bootstrap, [*map(encode_rollout, states), *bad, encode_rollout(states[0])], TOPIC)
    telemetry = Telemetry()
    follower = RolloutFollower(broker.bootstrap, TOPIC, telemetry=telemetry)
    await follower.start()
    assert follower.state == states[1]

    paused = RolloutState(generation=2, phase=RolloutPhase.PAUSED)
    await publish(broker.bootstrap, [encode_rollout(paused)], TOPIC)
    await eventually(lambda: _knows(follower, paused), "paused")
    assert follower.is_paused
    assert telemetry.registry.get_sample_value("precis_nearline_rollout_generation") == 2
    assert telemetry.registry.get_sample_value("precis_nearline_rollout_paused") == 1
    await publish(broker.bootstrap, [encode_rollout(states[1])], TOPIC)
    await eventually(lambda: _knows(follower, states[1]), "resumed")
    await follower.stop()


async def test_two_workers_know_the_same(broker: EmbeddedBroker) -> None:
    """No group shares the record out: each reads it."""
    followers = [RolloutFollower(broker.bootstrap, TOPIC, telemetry=Telemetry()) for _ in range(2)]
    for follower in followers:
        await follower.start()
    state = RolloutState(generation=5)
    await publish(broker.bootstrap, [encode_rollout(state)], TOPIC)
    for follower in followers:
        await eventually(lambda follower=follower: _knows(follower, state), "known")
        await follower.stop()


async def test_catching_up_knows_what_was_written_before(broker: EmbeddedBroker) -> None:
    """At once, without waiting for chance; and with nothing new it returns."""
    follower = RolloutFollower(broker.bootstrap, TOPIC, telemetry=Telemetry())
    await follower.start()
    await follower.catch_up()
    for number in (1, 2):
        await publish(broker.bootstrap, [encode_rollout(RolloutState(generation=number))], TOPIC)
        await follower.catch_up()
        assert follower.generation == number
    await follower.stop()
    with pytest.raises(BackendUnavailable, match=TOPIC):
        await follower.catch_up()


async def test_a_broker_that_is_away_at_the_start_is_said() -> None:
    """The service waits and says why, as for every other part that it needs."""
    with EmbeddedBroker({TOPIC: 1}) as gone:
        address = gone.bootstrap
    follower = RolloutFollower(address, TOPIC, telemetry=Telemetry())
    with pytest.raises(BackendUnavailable, match=TOPIC):
        await follower.start()
    await follower.stop()


async def test_what_is_known_outlives_the_broker() -> None:
    """The lane goes on under the last state while the broker is away, and the follower does not end."""
    state = RolloutState(generation=4)
    with EmbeddedBroker({TOPIC: 1}) as broker:
        await publish(broker.bootstrap, [encode_rollout(state)], TOPIC)
        follower = RolloutFollower(broker.bootstrap, TOPIC, telemetry=Telemetry())
        await follower.start()
    await asyncio.sleep(0)
    assert follower.state == state
    await follower.stop()
