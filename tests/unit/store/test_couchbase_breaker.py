"""The circuit breaker refuses at once what would only wait, and lets one call see whether the backend is back."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.circuit import BreakerConfig, BreakerState
from schemas.errors import BackendUnavailable, ConfigurationError
from store.couchbase.breaker import CircuitBreaker
from tests.doubles.clock import ManualClock

CONFIG = BreakerConfig(num_failures=3, first_pause_s=1, max_pause_s=4)


class NoAnswerError(Exception):
    """The failure that counts."""


class RefusedError(Exception):
    """An answer, though not the one that was wanted."""


class Guarded:
    """A breaker with a clock that stands still, and what it told of itself."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: list[tuple[str, BreakerState]] = []
        self.breaker = CircuitBreaker(
            "reads",
            CONFIG,
            is_failure=lambda error: isinstance(error, NoAnswerError),
            on_change=lambda name, state: self.told.append((name, state)),
            clock=self.clock,
        )

    def call(self, outcome: type[Exception] | None = None) -> None:
        """One call that ends so."""
        try:
            with self.breaker.call("get"):
                if outcome:
                    raise outcome
        except (NoAnswerError, RefusedError):
            return

    def open(self) -> None:
        """As many failures as it takes."""
        for _ in range(CONFIG.num_failures):
            self.call(NoAnswerError)

    def is_refused(self) -> bool:
        """Whether a call is refused; one that is not is answered."""
        try:
            self.call()
        except BackendUnavailable:
            return True
        return False


@pytest.fixture
def guarded() -> Guarded:
    """A closed breaker."""
    return Guarded()


def test_it_opens_after_failures_in_a_row(guarded: Guarded) -> None:
    """Two are a coincidence, three are not; an answer between them begins the count anew."""
    guarded.call(NoAnswerError)
    guarded.call(NoAnswerError)
    guarded.call(RefusedError)
    guarded.call(NoAnswerError)
    guarded.call(NoAnswerError)
    assert guarded.breaker.state is BreakerState.CLOSED
    guarded.call(NoAnswerError)
    assert guarded.breaker.state is BreakerState.OPEN


def test_answers_that_refuse_never_open_it(guarded: Guarded) -> None:
    """A hundred lost swaps and missing documents say that the backend is well."""
    for _ in range(100):
        guarded.call(RefusedError)
    assert guarded.breaker.state is BreakerState.CLOSED


def test_an_open_breaker_refuses_without_calling_and_says_for_how_long(guarded: Guarded) -> None:
    """In this project's error, with what is not asked and when the next try is."""
    guarded.open()
    guarded.clock.advance(0.4)
    with pytest.raises(BackendUnavailable, match=r"store get: .*reads are not asked.*in 0\.6 s"):
        guarded.breaker.refuse_if_open("get")
    with pytest.raises(BackendUnavailable, match="reads are not asked"), guarded.breaker.call("get"):
        pytest.fail("the call was made")


def test_after_the_pause_one_answer_closes_it(guarded: Guarded) -> None:
    """And each change was told."""
    guarded.open()
    guarded.clock.advance(1)
    assert not guarded.is_refused()
    assert guarded.breaker.state is BreakerState.CLOSED
    assert [state for _, state in guarded.told] == ["open", "half-open", "closed"]
    assert {name for name, _ in guarded.told} == {"reads"}


def test_each_failed_probe_doubles_the_pause_up_to_its_limit(guarded: Guarded) -> None:
    """1, 2, 4 and 4 seconds; after it was closed it begins at 1 again."""
    guarded.open()
    for pause_s in (1, 2, 4, 4):
        guarded.clock.advance(pause_s - 0.01)
        assert guarded.is_refused()
        guarded.clock.advance(0.01)
        guarded.call(NoAnswerError)
        assert guarded.breaker.state is BreakerState.OPEN
    guarded.clock.advance(4)
    assert not guarded.is_refused()
    guarded.open()
    guarded.clock.advance(1)
    assert not guarded.is_refused()


def test_a_peek_does_not_use_up_the_probe(guarded: Guarded) -> None:
    """``refuse_if_open`` before a wait for a thread leaves the probe to the call itself."""
    guarded.open()
    guarded.clock.advance(1)
    guarded.breaker.refuse_if_open("get")
    guarded.breaker.refuse_if_open("get")
    assert not guarded.is_refused()


def test_calls_from_before_it_opened_lengthen_no_pause(guarded: Guarded) -> None:
    """Ten calls at work when the backend went away time out together: it opens once, for the first pause."""
    all_in = threading.Barrier(11)

    def slow_failure() -> None:
        try:
            with guarded.breaker.call("get"):
                all_in.wait(30)
                raise NoAnswerError
        except NoAnswerError:
            return

    with ThreadPoolExecutor(10) as threads:
        calls = [threads.submit(slow_failure) for _ in range(10)]
        all_in.wait(30)
        for call in calls:
            call.result(30)
    guarded.clock.advance(1)
    assert not guarded.is_refused()
    assert len(guarded.told) == 3


def test_of_many_threads_one_probes(guarded: Guarded) -> None:
    """The others are refused while it is under way, however close together they come."""
    guarded.open()
    guarded.clock.advance(1)
    start, others_refused = threading.Barrier(8), threading.Event()
    refusals: list[BackendUnavailable] = []

    def attempt() -> bool:
        start.wait(30)
        try:
            with guarded.breaker.call("get"):
                return others_refused.wait(30)
        except BackendUnavailable as error:
            refusals.append(error)
            if len(refusals) == 7:
                others_refused.set()
            return False

    with ThreadPoolExecutor(8) as threads:
        outcomes = [call.result(60) for call in [threads.submit(attempt) for _ in range(8)]]
    assert sorted(outcomes) == [False] * 7 + [True]
    assert guarded.breaker.state is BreakerState.CLOSED


def test_calls_go_side_by_side(guarded: Guarded) -> None:
    """No lock is held during a call: eight threads are inside at once."""
    inside = threading.Barrier(8)

    def meet() -> int:
        with guarded.breaker.call("get"):
            return inside.wait(30)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(lambda _index: meet(), range(8))) == list(range(8))


@pytest.mark.parametrize("changes", [{"num_failures": 0}, {"first_pause_s": 0}, {"first_pause_s": 9, "max_pause_s": 8}])
def test_contradicting_limits_are_refused(changes: dict[str, float]) -> None:
    """With the values, when the store is configured."""
    with pytest.raises(ConfigurationError, match="circuit breaker"):
        BreakerConfig(**changes)
