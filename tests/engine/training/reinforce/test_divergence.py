"""-KL(p_sum || p_raw) in numbers worked out by hand."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from models.training.reinforce.divergence import divergence_reward


@pytest.mark.parametrize(
    ("summary", "raw", "reward"),
    [
        (0.3, 0.3, 0.0),
        (0.8, 0.5, -0.1927448),  # 0.8 ln 1.6 + 0.2 ln 0.4
        (0.5, 0.8, -0.2231436),  # ln 0.5 / 2 - (ln 0.8 + ln 0.2) / 2: the order matters
        (0.02, 0.97, -3.3389960),  # the ranker's answers to grades 0 and 4, exchanged
    ],
)
def test_one_query(summary: float, raw: float, reward: float) -> None:
    """Over both labels, in nats."""
    got = divergence_reward(torch.tensor([[summary]]), torch.tensor([[raw]]))
    assert got.item() == pytest.approx(reward, abs=2e-6)
    by_hand = summary * math.log(summary / raw) + (1 - summary) * math.log((1 - summary) / (1 - raw))
    assert got.item() == pytest.approx(-by_hand, abs=2e-6)


def test_the_mean_over_queries_for_every_summary() -> None:
    """[B, Q] to [B], as torch's own KL of Bernoulli distributions has it."""
    generator = torch.Generator().manual_seed(1)
    summaries, raw = (torch.rand((5, 3), generator=generator) * 0.98 + 0.01 for _ in range(2))
    wanted = -kl_divergence(Bernoulli(summaries), Bernoulli(raw)).mean(dim=1)
    torch.testing.assert_close(divergence_reward(summaries, raw), wanted.double(), atol=1e-5, rtol=0)


def test_certainty_is_finite() -> None:
    """An answer of exactly 0 or 1, in float32, must not make a reward of minus infinity."""
    got = divergence_reward(torch.tensor([[1.0], [0.0], [1.0]]), torch.tensor([[0.0], [1.0], [1.0]]))
    assert got[:2].tolist() == pytest.approx([-13.8155, -13.8155], abs=1e-3)
    assert got[2].item() == 0.0


@pytest.mark.parametrize(("left", "right"), [((2, 3), (2, 2)), ((2,), (2,)), ((2, 0), (2, 0))])
def test_answers_that_do_not_match_are_refused(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """No silent broadcasting of one posting's answers over another's."""
    with pytest.raises(ValueError, match="both are"):
        divergence_reward(torch.zeros(left), torch.zeros(right))
