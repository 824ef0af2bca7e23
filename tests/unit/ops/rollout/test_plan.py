"""Which roll-out comes next, what it asks for, and how much of it is left."""

from datetime import UTC, datetime

import pytest

from ops.rollout.plan import fallback_request, next_rollout, num_remaining, rollout_request
from schemas.documents import State
from schemas.errors import ConfigurationError
from schemas.resummarise import Reason, ResummariseRequest
from schemas.rollout import RolloutPhase, RolloutState
from store.ports import ScannedSummary

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def following(
    known: RolloutState, remaining: int = 0, *, chosen: int | None = None, highest_stored: int = 0, revision: str = "b"
) -> RolloutState:
    return next_rollout(known, remaining, chosen=chosen, highest_stored=highest_stored, revision=revision, now=NOW)


def entry(state: State = State.FRESH, generation: int = 0) -> ScannedSummary:
    return ScannedSummary("job", state, generation, rev=1)


def test_the_first_rollout_is_number_one() -> None:
    """It runs, it names its summarizer, and nothing was asked for yet."""
    rollout = following(RolloutState())
    assert (rollout.generation, rollout.revision, rollout.requested) == (1, "b", 0)
    assert not rollout.is_enumerated
    assert not rollout.is_paused
    assert rollout.started_at == NOW


@pytest.mark.parametrize(
    ("known", "stored", "number"),
    [(3, 0, 4), (3, 3, 4), (0, 5, 6), (3, 9, 10)],
    ids=["topic", "both", "store", "higher"],
)
def test_the_next_is_above_every_one_seen(known: int, stored: int, number: int) -> None:
    """Also above what documents carry, where the broker forgot."""
    assert following(RolloutState(generation=known), highest_stored=stored).generation == number


def test_one_that_was_cut_off_goes_on_under_its_number() -> None:
    """What it had noted stays: the second run adds to it."""
    known = RolloutState(generation=3, revision="b", requested=40, is_enumerated=False, started_at=NOW)
    rollout = following(known, remaining=40)
    assert (rollout.generation, rollout.requested, rollout.is_enumerated) == (3, 40, False)


def test_one_that_was_cut_off_is_not_finished_by_another_summarizer() -> None:
    """Its requests name the first one: the operator decides."""
    known = RolloutState(generation=3, revision="a", is_enumerated=False)
    with pytest.raises(ConfigurationError, match="--generation 4"):
        following(known)
    assert following(known, chosen=4).revision == "b"


def test_one_that_is_under_way_is_said() -> None:
    """With what is left, and what can be done."""
    known = RolloutState(generation=3, revision="b", requested=40)
    with pytest.raises(ConfigurationError, match="generation 3 is under way, 7 of 40"):
        following(known, remaining=7)
    assert following(known, remaining=0).generation == 4


def test_a_paused_one_that_is_under_way_says_so() -> None:
    """It would never end by itself."""
    known = RolloutState(generation=3, phase=RolloutPhase.PAUSED, requested=40)
    with pytest.raises(ConfigurationError, match="precis rollout resume"):
        following(known, remaining=7)


def test_a_higher_number_takes_the_place_of_one_under_way() -> None:
    """The lane settles the old requests under the new number, so nothing is made twice."""
    rollout = following(RolloutState(generation=3, phase=RolloutPhase.PAUSED), remaining=7, chosen=8)
    assert (rollout.generation, rollout.is_paused) == (8, False)


def test_the_latest_number_asks_again_for_what_is_behind_it() -> None:
    """What a worker wrote late under the old number."""
    known = RolloutState(generation=3, revision="b", requested=40)
    rollout = following(known, chosen=3)
    assert (rollout.generation, rollout.requested, rollout.is_enumerated) == (3, 40, False)


@pytest.mark.parametrize("chosen", [0, 2, 4])
def test_numbers_never_fall(chosen: int) -> None:
    """Neither below the latest roll-out nor below what documents carry."""
    with pytest.raises(ConfigurationError, match="below 5"):
        following(RolloutState(generation=3), chosen=chosen, highest_stored=5)


@pytest.mark.parametrize(
    ("found", "is_asked_for"),
    [
        (entry(), True),
        (entry(State.FALLBACK), True),
        (entry(State.DELETED), False),
        (entry(generation=4), False),
        (entry(State.FALLBACK, generation=4), False),
        (entry(generation=5), False),
    ],
)
def test_a_rollout_asks_for_live_documents_of_lower_generations(found: ScannedSummary, is_asked_for: bool) -> None:
    """What is done is not asked for again."""
    request = rollout_request(found, RolloutState(generation=4, revision="b"))
    wanted = ResummariseRequest(job_id="job", reason=Reason.ROLLOUT, generation=4, revision="b")
    assert request == (wanted if is_asked_for else None)


@pytest.mark.parametrize("state", list(State))
def test_only_fallbacks_are_asked_for_by_any_summarizer(state: State) -> None:
    """Mending names no revision: whoever is there does it."""
    request = fallback_request(entry(state), RolloutState(generation=4, revision="b"))
    wanted = ResummariseRequest(job_id="job", reason=Reason.FALLBACK, generation=4)
    assert request == (wanted if state is State.FALLBACK else None)


def test_what_is_left_is_up_to_the_last_request_of_the_rollout() -> None:
    """Fallbacks that were asked for later do not count."""
    state = RolloutState(generation=1, until={0: 10, 1: 5, 2: 0})
    assert num_remaining(state, {0: 4, 1: 9, 2: None}) == 6
    assert num_remaining(state, {}) == 15
