"""A posting that the engine cannot answer is told apart from an engine that answers nobody."""

from stream.patience import Patience


def test_an_engine_that_answers_nobody_is_waited_for() -> None:
    """However often it fails: no posting is to blame."""
    patience = Patience(max_failures=2)
    assert not any(patience.failed("a") or patience.failed("b") for _ in range(100))


def test_a_posting_that_fails_between_answers_is_given_up() -> None:
    """Each failure counts once others were answered since the last."""
    patience = Patience(max_failures=3)
    verdicts = []
    for _ in range(3):
        verdicts.append(patience.failed("poison"))
        patience.answered("other")
    assert verdicts == [False, False, True]


def test_an_answer_clears_the_posting() -> None:
    """What was answered once starts again from nothing."""
    patience = Patience(max_failures=2)
    patience.failed("a")
    patience.answered("a")
    assert not patience.failed("a")
    patience.answered("b")
    assert patience.failed("a")


def test_a_posting_that_was_given_up_starts_again() -> None:
    """A replayed dead letter has all its attempts before it."""
    patience = Patience(max_failures=1)
    assert patience.failed("a")
    assert patience.failed("a")
