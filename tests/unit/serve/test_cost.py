"""The cost model: tokens to seconds, fitted to the engine that is there."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.cost import CostModel, Ended


def _serve(model: CostModel, sizes: list[int], *, per_pack_s: float, per_token_s: float, noise: float = 0.0) -> None:
    """Packs one after the other, on an engine of this cost."""
    now_s, chance = 0.0, random.Random(3)
    for tokens in sizes:
        model.started(now_s)
        now_s += (per_pack_s + per_token_s * tokens) * (1 + noise * chance.uniform(-1, 1))
        model.finished(tokens, Ended.SERVED, now_s)


def test_both_terms_are_found_where_sizes_differ():
    """An engine that takes 5 ms a request and 10 us a token, seen through requests of many sizes."""
    model = CostModel(1_000)
    sizes = random.Random(1).choices([100, 800, 2_000, 6_000], k=300)
    _serve(model, sizes, per_pack_s=0.005, per_token_s=1e-5)
    assert 500 * 4 / 5 < model.overhead_tokens < 500  # the rest goes to the doubt
    assert model.seconds(4_000, 2) == pytest.approx(0.05, rel=0.03)
    assert model.seconds(100, 1) == pytest.approx(0.006, rel=0.1)


def test_packs_of_one_size_are_predicted_although_the_terms_cannot_be_told_apart():
    """What is seen is predicted, with noise too, and the overhead stays small."""
    model = CostModel(20_000)
    _serve(model, [4_000] * 300, per_pack_s=0.02, per_token_s=2e-5, noise=0.2)
    assert model.seconds(4_000, 1) == pytest.approx(0.1, rel=0.1)
    assert model.overhead_tokens < 400


@pytest.mark.parametrize("seed", range(5))
def test_stalls_are_not_taken_for_a_cost_of_every_request(seed: int):
    """A shared machine stops the engine now and then, for small requests as for large ones."""
    chance, model, now_s = random.Random(seed), CostModel(20_000), 0.0
    for _ in range(300):
        tokens = chance.choice([800, 4_000, 8_000])
        model.started(now_s)
        now_s += tokens / 20_000 * chance.uniform(0.8, 1.2) + (0.2 if chance.random() < 0.05 else 0.0)
        model.finished(tokens, Ended.SERVED, now_s)
    assert model.overhead_tokens < 400  # a stall is 4,000 tokens long


def test_what_the_engine_did_since_a_request_ended_is_done():
    """Time counts from the first request, and anew from each end, also of one that failed. A clock may go back."""
    model = CostModel(1_000)
    assert model.left_s(0, 0, 9.0) == 0
    model.started(1.0)
    model.started(1.2)
    assert model.left_s(1_000, 2, 1.3) == pytest.approx(0.7)
    assert model.left_s(1_000, 2, 0.9) == pytest.approx(1.0)
    model.finished(500, Ended.DROPPED, 1.5)
    assert model.left_s(500, 1, 1.6) == pytest.approx(0.4)


def test_work_that_is_late_is_not_taken_for_nearly_done():
    """A stalled engine would look idle, and every call would be admitted."""
    model = CostModel(1_000)
    model.started(0.0)
    assert model.left_s(1_000, 1, 60.0) == pytest.approx(0.25)


def test_requests_that_share_the_engine_say_nothing_of_the_overhead():
    """The small one of two is done when half of the large one is: it would look expensive."""
    model = CostModel(20_000)
    for call in range(100):
        model.started(call)
        model.started(call)
        model.finished(500, Ended.SERVED, call + 0.1)
        model.finished(3_500, Ended.SERVED, call + 0.2)
    assert model.overhead_tokens == 0
    assert model.seconds(4_000, 2) == pytest.approx(0.2, rel=0.1)


def test_misses_of_small_requests_lower_the_speed_and_leave_the_overhead():
    """An engine that is away for a moment does not make every later request look expensive."""
    model = CostModel(20_000)
    _serve(model, [1_000, 4_000] * 50, per_pack_s=0.0, per_token_s=1 / 20_000)
    for call in range(3):
        model.started(1_000 + call)
        model.finished(800, Ended.MISSED, 1_000.5 + call)
    assert model.overhead_tokens < 100
    assert model.seconds(8_000, 1) < 2.5


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.floats(0.001, 10), st.sampled_from(Ended)), min_size=1, max_size=60)
)
def test_no_measurement_makes_a_cost_negative_or_time_free(measurements: list[tuple[int, float, Ended]]):
    """Whatever is measured, a token costs something, and more tokens never cost less."""
    model, now_s = CostModel(1_000), 0.0
    for tokens, seconds, ended in measurements:
        model.started(now_s)
        now_s += seconds
        model.finished(tokens, ended, now_s)
        assert model.overhead_tokens >= 0
        assert model.seconds(200, 1) > model.seconds(100, 1) > 0


@given(st.floats(0, 10), st.integers(1, 8_000))
def test_what_fits_a_time_takes_no_longer(seconds: float, pack_tokens: int):
    """``tokens_within`` is the inverse of ``seconds`` over full requests and a last one."""
    model = CostModel(1_000)
    _serve(model, [100, 2_000] * 30, per_pack_s=0.004, per_token_s=1e-5)
    tokens = model.tokens_within(seconds, pack_tokens)
    assert tokens >= 0
    if tokens:
        packs = -(-tokens // pack_tokens)
        assert model.seconds(tokens, packs) <= seconds + 1e-6
        assert model.seconds(tokens + 2, -(-(tokens + 2) // pack_tokens)) > seconds - 1e-6


def test_no_time_takes_no_tokens():
    """A queue that is longer than the time leaves nothing, never less."""
    assert CostModel(1_000).tokens_within(-1.0, 100) == 0


@pytest.mark.parametrize(
    ("speed", "remaining_s", "expected"),
    [(1_000_000, 0.5, 8_192), (20_000, 0.5, 1_250), (20_000, 10.0, 8_192), (1_000, 0.5, 512), (1_000, -1.0, 512)],
)
def test_a_slow_ranker_gets_a_call_in_parts(speed: float, remaining_s: float, expected: int):
    """A request takes an eighth of the time that is left, whatever it could hold; tiny ones are never sent."""
    assert CostModel(speed).pack_tokens(remaining_s, 8_192) == expected


def test_requests_stay_large_beside_what_each_costs():
    """Nine times its overhead, so that a tenth of the ranker's time is lost, but at most a quarter of what is left."""
    model = CostModel(20_000)
    _serve(model, [500, 4_000] * 30, per_pack_s=0.02, per_token_s=1e-4)
    assert 200 * 4 / 5 < model.overhead_tokens < 200
    assert model.pack_tokens(0.8, 8_192) == pytest.approx(9 * model.overhead_tokens, abs=1)
    assert model.pack_tokens(0.4, 8_192) == pytest.approx(0.4 / 4 * model.tokens_per_s, abs=1)
    assert model.pack_tokens(0.8, 1_000) == 1_000


def test_noise_among_like_requests_is_no_overhead():
    """Requests of one call are of one size: where their times differ by half, little of that is taken for overhead."""
    found = []
    for seed in range(30):
        chance, model, now_s = random.Random(seed), CostModel(20_000), 0.0
        for _ in range(150):
            tokens = chance.randint(1_200, 1_600)
            model.started(now_s)
            now_s += (tokens + 200) / 25_000 * chance.lognormvariate(0, 0.5)
            model.finished(tokens, Ended.SERVED, now_s)
        found.append(model.overhead_tokens)
    assert sorted(found)[-2] < 400


def test_idle_time_is_not_measured():
    """The same pack after an hour without work means the same speed."""
    model = CostModel(500)
    for start_s in (0, 3_600):
        model.started(start_s)
        model.finished(500, Ended.SERVED, start_s + 1)
    assert model.tokens_per_s == pytest.approx(500, rel=0.01)


def test_concurrent_packs_add_up():
    """Two packs done in the same second are twice the speed of one."""
    model = CostModel(1_000)
    for second in range(30):
        model.started(second)
        model.started(second)
        model.finished(500, Ended.SERVED, second)  # at the same instant: measured with the next
        model.finished(500, Ended.SERVED, second + 1)
    assert model.tokens_per_s == pytest.approx(1_000, rel=0.01)


def test_misses_raise_the_cost_and_never_lower_it():
    """Tokens that were not done in time show that the ranker takes at least so long."""
    model = CostModel(1_000)
    model.started(0)
    model.finished(1_000, Ended.MISSED, 10)
    slowed = model.tokens_per_s
    model.started(10)
    model.finished(100_000, Ended.MISSED, 11)
    assert slowed < 1_000
    assert model.tokens_per_s == slowed


def test_dropped_tokens_say_nothing():
    """A connection error is not slowness."""
    model = CostModel(1_000)
    model.started(0)
    model.finished(100, Ended.DROPPED, 10)
    assert model.tokens_per_s == pytest.approx(1_000)


def test_finishing_twice_is_a_bug_that_shows():
    """What was not sent cannot end."""
    with pytest.raises(AssertionError, match="counted twice"):
        CostModel(1_000).finished(1, Ended.SERVED, 1)
