from itertools import pairwise
from random import Random

import pytest

from ops.load.arrivals import BURSTS, POISSON, Shape, arrivals


def _drawn(rate: float, seconds: float, shape: Shape, seed: int = 1) -> list[float]:
    return list(arrivals(rate, seconds, Random(seed), shape))


@pytest.mark.parametrize("shape", [POISSON, BURSTS])
def test_the_mean_rate_is_the_one_asked_for(shape) -> None:
    """Over many periods, within four standard deviations of a Poisson count."""
    due = _drawn(50, 1_000, shape)
    assert abs(len(due) - 50_000) < 4 * 50_000**0.5
    assert due == sorted(due)
    assert 0 <= due[0] <= due[-1] < 1_000


def test_one_seed_is_one_schedule() -> None:
    """And another seed another one."""
    assert _drawn(10, 60, BURSTS) == _drawn(10, 60, BURSTS)
    assert _drawn(10, 60, BURSTS) != _drawn(10, 60, BURSTS, seed=2)


def test_gaps_of_a_constant_rate_are_exponential() -> None:
    """A gap is longer than the mean with probability 1/e."""
    due = _drawn(20, 2_000, POISSON)
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert sum(gap > 1 / 20 for gap in gaps) / len(gaps) == pytest.approx(0.3679, abs=0.01)


def test_bursts_have_three_times_the_rate() -> None:
    """2 s of every 10 at three times the mean, the rest at half of it."""
    due = _drawn(100, 1_000, BURSTS)
    in_burst = sum(at_s % 10 < 2 for at_s in due)
    assert in_burst / 200 == pytest.approx(300, rel=0.03)
    assert (len(due) - in_burst) / 800 == pytest.approx(50, rel=0.03)


def test_time_of_undoes_the_rate() -> None:
    """At the edges of the wave and within."""
    assert [BURSTS.time_of(work) for work in (0.0, 3.0, 6.0, 8.0, 10.0, 13.0)] == pytest.approx([0, 1, 2, 6, 10, 11])
