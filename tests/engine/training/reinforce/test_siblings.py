"""Siblings are scored as if each stood alone."""

import pytest
import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle
from models.training.export import load_weights
from models.training.reinforce.episodes import Episode
from models.training.reinforce.rollouts import sample_groups
from models.training.reinforce.siblings import Scored, completions_scored

TEMPERATURE = 1.5


@pytest.fixture(params=["eager", "sdpa"])
def policy(summarizer: Bundle, request: pytest.FixtureRequest) -> Qwen3ForCausalLM:
    model = load_weights(summarizer.path)
    model.set_attn_implementation(request.param)
    return model


def alone(model: Qwen3ForCausalLM, prompt: list[int], completion: list[int]) -> Scored:
    logits = model(torch.tensor([[*prompt, *completion]])).logits[0, len(prompt) - 1 : -1] / TEMPERATURE
    every = torch.distributions.Categorical(logits=logits)
    return Scored(every.log_prob(torch.tensor(completion)), every.entropy())


def test_siblings_are_scored_as_each_alone(policy: Qwen3ForCausalLM, episodes: list[Episode]) -> None:
    """Values and gradients, for groups of different lengths, a group of one, and completions of one token."""
    torch.manual_seed(1)
    drawn = sample_groups(
        policy, [episode.prompt_ids for episode in episodes[:3]], 3, eos_id=1, most_tokens=16, temperature=2.0
    )
    chosen = [0, 1, 2, 3, 6, 7]
    prompts = [episodes[row // 3].prompt_ids for row in chosen]
    completions = [[1] if row == 1 else drawn[row] for row in chosen]
    weights = [torch.randn(len(completion)) for completion in completions]
    found, wanted = [], []
    for outcome, scored in (
        (found, completions_scored(policy, prompts, completions, TEMPERATURE)),
        (wanted, [alone(policy, *pair) for pair in zip(prompts, completions, strict=True)]),
    ):
        policy.zero_grad()
        sum((each.log_probs @ weight for each, weight in zip(scored, weights, strict=True))).backward()
        outcome += [torch.cat([each.log_probs for each in scored]), torch.cat([each.entropies for each in scored])]
        outcome += [parameter.grad.clone() for parameter in policy.parameters()]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-3)
