"""The length penalty of equation 4, in numbers worked out by hand."""

import pytest

from models.training.reinforce.length import Penalty, length_reward


@pytest.mark.parametrize(
    ("summary", "quadratic", "linear"),
    [
        (0, 0.0, 0.0),  # an empty summary costs nothing
        (63, -0.0049, -0.07),  # the paper's 93 % compression of 900 tokens
        (450, -0.25, -0.5),
        (900, -1.0, -1.0),  # the forms agree where nothing is saved
        (1800, -4.0, -2.0),  # twice as long as the body: no floor
    ],
)
def test_the_penalty_of_a_body_of_900_tokens(summary: int, quadratic: float, linear: float) -> None:
    """-(s/r)^2 and -s/r."""
    assert length_reward(summary, 900, Penalty.QUADRATIC) == pytest.approx(quadratic, abs=1e-12)
    assert length_reward(summary, 900, Penalty.LINEAR) == pytest.approx(linear, abs=1e-12)


def test_a_longer_summary_never_costs_less() -> None:
    """Both forms fall with every token."""
    for penalty in Penalty:
        rewards = [length_reward(tokens, 50, penalty) for tokens in range(120)]
        assert rewards == sorted(rewards, reverse=True)
        assert len(set(rewards)) == len(rewards)


def test_an_empty_body_is_refused() -> None:
    """There is no ratio to it."""
    with pytest.raises(ValueError, match="body of 0 tokens"):
        length_reward(3, 0, Penalty.QUADRATIC)
