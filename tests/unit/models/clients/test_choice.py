"""Which replica a call goes to."""

import random

import pytest

from models.clients.choice import choose, home_of


def test_of_two_the_less_loaded_is_asked() -> None:
    """Whatever is drawn, two replicas are both looked at."""
    assert {choose([700, 300], random.Random(seed)) for seed in range(20)} == {1}


def test_the_most_loaded_of_several_is_never_asked() -> None:
    """Any other that is drawn beside it is lighter; each of the others is asked at times."""
    rng = random.Random(7)
    assert {choose([100, 900, 200, 300], rng) for _ in range(200)} == {0, 2, 3}


def test_equal_loads_are_spread() -> None:
    """A client that is idle does not always begin with the first."""
    rng = random.Random(7)
    assert {choose([0, 0, 0], rng) for _ in range(100)} == {0, 1, 2}


@pytest.mark.parametrize(("loads", "expected"), [([500, 0], 0), ([1_000, 0], 0), ([1_001, 0], 1)])
def test_the_replica_that_has_the_prefix_is_asked_unless_it_is_overloaded(loads: list[int], expected: int) -> None:
    """Up to the slack it may be more loaded than the other choice, and not a token more."""
    assert choose(loads, random.Random(0), home=0, slack_tokens=1_000) == expected


def test_one_replica_is_no_choice() -> None:
    """However loaded it is."""
    assert choose([10**9], random.Random(0), home=None) == 0


def test_every_client_sends_a_key_to_the_same_home_and_keys_are_spread() -> None:
    """In whatever order the replicas are listed; no replica is home to less than half of its share."""
    names = ["http://a", "http://b", "http://c"]
    homes = [home_of(str(key).encode(), names) for key in range(300)]
    assert homes == [home_of(str(key).encode(), names[::-1]) for key in range(300)]
    assert min(homes.count(name) for name in names) > 50


def test_when_a_replica_goes_only_its_own_keys_move() -> None:
    """The prefixes that the others hold stay where they are."""
    names = ["http://a", "http://b", "http://c"]
    for key in range(300):
        before = home_of(str(key).encode(), names)
        after = home_of(str(key).encode(), names[:2])
        assert after == before if before in names[:2] else after in names[:2]
