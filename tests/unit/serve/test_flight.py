"""Single flight."""

from schemas.errors import DeadlineExceeded
from serve.flight import FlightKey, ModelScore, SingleFlight
from tests.doubles.summaries import LONG_AGO

_KEY, _OTHER = FlightKey("q", "v1"), FlightKey("q", "v2")
_SCORE = ModelScore(0.5, "r", LONG_AGO)


async def test_followers_get_the_leaders_outcome():
    """Who comes while it is under way waits for the same future."""
    flights = SingleFlight()
    led = flights.lead([_KEY])
    shared = flights.under_way([_KEY, _OTHER])
    flights.settle({_KEY: _SCORE})
    assert list(shared) == [_KEY]
    assert await shared[_KEY] is await led[_KEY] is _SCORE


async def test_a_settled_flight_begins_anew():
    """A failure is given to those who wait and is not kept for those who come later."""
    flights = SingleFlight()
    led = flights.lead([_KEY])
    flights.settle({_KEY: DeadlineExceeded("late")})
    assert isinstance(led[_KEY].result(), DeadlineExceeded)
    assert flights.under_way([_KEY]) == {}
    assert flights.lead([_KEY])


async def test_a_follower_that_gave_up_does_no_harm():
    """Settling a future that somebody cancelled is not an error."""
    flights = SingleFlight()
    flights.lead([_KEY])[_KEY].cancel()
    flights.settle({_KEY: _SCORE})
