import pytest

from ops.load.summary import LATE_SEND_S, figures, outcome_of
from tests.unit.ops.load.builders import DEADLINE_S, outcome, result, sent


def _figures(*outcomes):
    return figures(outcomes, seconds=10.0, deadline_s=DEADLINE_S, num_candidates=10)


def test_an_answer_becomes_counts() -> None:
    """By source, and unscored ones by reason; what is gone could have no score."""
    results = [result(), result(), result(score=None, reason="depth"), result(score=None, reason="deleted")]
    found = outcome_of(sent(), {"results": results})
    assert (found.num_scored, found.num_scorable) == (2, 3)
    assert found.sources == {"model": 2, "unscored:depth": 1, "unscored:deleted": 1}


@pytest.mark.parametrize("status", [0, 429, 503])
def test_what_is_no_answer_has_no_counts(status: int) -> None:
    """Whatever its body holds."""
    found = outcome_of(sent(status=status), {"results": [result()]})
    assert (found.num_scored, found.sources) == (0, {})


def test_what_an_error_said_is_kept_and_a_refusal_says_nothing() -> None:
    """The figures count each problem by status and detail: a 504 can be the store's or the ranker's."""
    late = [outcome_of(sent(status=504), {"detail": "the ranker was late"}) for _ in range(2)]
    found = _figures(*late, outcome_of(sent(status=0), {}), outcome_of(sent(status=429), {"detail": "full"}))
    assert found["problems"] == {"504: the ranker was late": 2, "0: ClientOSError": 1}


@pytest.mark.parametrize(
    ("call", "is_admitted", "is_miss"),
    [
        ({"latency_s": 0.5}, True, False),
        ({"latency_s": 0.501}, True, True),
        ({"status": 504, "latency_s": 0.49}, True, True),
        ({"status": 0, "latency_s": 10.0}, True, True),
        ({"status": 429, "latency_s": 0.9}, False, False),
        ({"status": 503}, False, False),
    ],
)
def test_what_misses_its_deadline(call, is_admitted: bool, is_miss: bool) -> None:
    """An answer that is late, one that says so, and none at all; a refusal is none."""
    found = outcome(model=10, **call)
    assert found.is_admitted is is_admitted
    assert found.is_miss(DEADLINE_S) is is_miss


def test_latency_counts_from_when_the_call_was_due() -> None:
    """Not from when it was sent: a slow sender hides nothing."""
    assert outcome(delay_s=0.3, latency_s=0.6).latency_s == pytest.approx(0.6)
    assert outcome(delay_s=0.3, latency_s=0.6).is_miss(DEADLINE_S)


def test_only_scores_in_time_are_goodput() -> None:
    """Of model or cache, in answers inside the deadline."""
    found = _figures(
        outcome(model=6, cache=2, depth=2),
        outcome(model=10, latency_s=0.7),
        outcome(status=429, delay_s=0.001, latency_s=0.005, server_s=0.002),
        outcome(status=503),
    )
    assert found["goodput_per_s"] == 0.8
    assert found["scored_share"] == 0.2
    assert found["in_time_share"] == 0.25
    assert (found["offered"], found["admitted"], found["refused"]) == (4, 2, 1)
    assert found["deadline_misses_admitted"] == 1
    assert found["hit_rate"] == pytest.approx(2 / 18, abs=1e-4)
    assert found["depth_share"] == pytest.approx(18 / 20)
    assert (found["refusal_ms"]["p50"], found["refusal_server_ms"]["p50"]) == (4.0, 2.0)
    assert found["other_statuses"] == {"503": 1}


def test_a_call_that_the_generator_sent_late_is_counted_apart() -> None:
    """Its miss is not the scorer's; it is not dropped either."""
    found = _figures(outcome(model=10), outcome(model=10, delay_s=2 * LATE_SEND_S, latency_s=0.9))
    assert (found["admitted"], found["deadline_misses_admitted"]) == (1, 0)
    assert (found["late_sends"], found["late_sends_missed"]) == (1, 1)
    assert found["in_time_share"] == 1.0
    assert found["send_delay_ms"]["p100"] == 20.0


def test_classes_are_told_apart() -> None:
    """Each with figures of its own."""
    found = _figures(outcome(model=4), outcome(status=429, traffic_class="latency_insensitive"))["by_class"]
    assert (found["interactive"]["refused"], found["latency_insensitive"]["refused"]) == (0, 1)
    assert found["latency_insensitive"]["depth_p50"] is None


def test_no_calls_are_no_figures() -> None:
    """And no error."""
    found = _figures()
    assert (found["offered"], found["hit_rate"], found["latency_ms"]["p50"]) == (0, None, None)
