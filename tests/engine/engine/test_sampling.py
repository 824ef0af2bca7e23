"""Choosing a token from logits."""

import math

import pytest
import torch

from models.engine.sampling import Sampling, choose_tokens

PROBABILITIES = (0.5, 0.3, 0.15, 0.05)


def drawn(settings: Sampling, count: int = 400) -> list[int]:
    """Tokens drawn one after the other from the same logits."""
    logits, generator = torch.tensor([PROBABILITIES]).log(), settings.generator()
    return [choose_tokens(logits, [settings], [generator])[0].token_id for _ in range(count)]


def test_temperature_zero_takes_the_most_likely() -> None:
    """Claim: greedy is the argmax, and draws nothing."""
    assert set(drawn(Sampling(temperature=0.0), 5)) == {0}


def test_samples_follow_the_probabilities() -> None:
    """Claim: at temperature 1 each token comes as often as its probability says (400 draws, four deviations)."""
    tokens = drawn(Sampling(temperature=1.0, seed=0))
    for token, probability in enumerate(PROBABILITIES):
        deviation = math.sqrt(probability * (1 - probability) / len(tokens))
        assert abs(tokens.count(token) / len(tokens) - probability) < 4 * deviation


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.4, {0}), (0.5, {0}), (0.6, {0, 1}), (0.9, {0, 1, 2}), (1.0, {0, 1, 2, 3})]
)
def test_top_p_keeps_the_smallest_set_with_that_mass(top_p: float, kept: set[int]) -> None:
    """Claim: tokens beyond the nucleus are never drawn, those inside are."""
    assert set(drawn(Sampling(temperature=1.0, top_p=top_p, seed=1))) == kept


def test_a_low_temperature_sharpens() -> None:
    """Claim: the temperature divides the logits: 0.5**10 against 0.3**10 leaves less than one in a hundred."""
    assert drawn(Sampling(temperature=0.1, seed=2)).count(0) > 380


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_reported(value: float) -> None:
    """Claim: NaN or infinity in a row marks that row and no other."""
    logits = torch.tensor([[0.0, 1.0], [value, 0.0]])
    choices = choose_tokens(logits, [Sampling()] * 2, [Sampling().generator()] * 2)
    assert [choice.is_finite for choice in choices] == [True, False]
