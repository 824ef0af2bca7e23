"""The gate as a reward."""

import pytest

from models.training.reinforce.faithfulness import faithfulness_reward

BODY = "We hire nurses in Leeds.\nNights only, 12 hours a shift. No visa sponsorship."


@pytest.mark.parametrize("summary", ["Nights only", "nurses in Leeds; No visa sponsorship", BODY.replace("\n", " ")])
def test_what_the_body_says_costs_nothing(summary: str) -> None:
    """Up to all of the body."""
    assert faithfulness_reward(summary, BODY, is_finished=True) == 0.0


@pytest.mark.parametrize(
    "summary",
    [
        "",  # an empty summary would be stored as a fallback
        "Nights only, 10 hours a shift",  # another number
        "nurses in Berlin",  # another place
        "Visa sponsorship",  # the opposite
        "Nights only; " * 20,  # longer than the body, and a loop
    ],
)
def test_what_the_service_would_refuse_costs_one(summary: str) -> None:
    """Every reason weighs alike."""
    assert faithfulness_reward(summary, BODY, is_finished=True) == -1.0


def test_a_summary_cut_off_inside_a_word_is_refused() -> None:
    """It ran into the token limit."""
    assert faithfulness_reward("We hire nurses in Lee", BODY, is_finished=False) == -1.0
