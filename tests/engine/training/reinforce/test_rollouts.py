"""Sampled summaries."""

from types import SimpleNamespace

import pytest
import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.reinforce.episodes import Episode
from models.training.reinforce.rollouts import Rollouts, sample_groups


@pytest.fixture(scope="module")
def policy(summarizer: Bundle) -> Qwen3ForCausalLM:
    return load_weights(summarizer.path)


def sample(policy: Qwen3ForCausalLM, episodes: list[Episode], siblings: int, temperature: float) -> list[list[int]]:
    prompts = [episode.prompt_ids for episode in episodes]
    return sample_groups(policy, prompts, siblings, eos_id=1, most_tokens=16, temperature=temperature)


def test_without_warmth_every_sibling_is_the_greedy_summary(policy: Qwen3ForCausalLM, episodes: list[Episode]) -> None:
    """Reading each prompt once, padded, and repeating its cache changes nothing."""
    wanted = greedy(policy, [episode.prompt_ids for episode in episodes[:3]], 1, 16, batch=1)
    assert sample(policy, episodes[:3], 2, 1e-6) == [ids for ids in wanted for _ in range(2)]


def test_samples_follow_torchs_random_state_and_end_where_they_should(
    policy: Qwen3ForCausalLM, episodes: list[Episode]
) -> None:
    """Which is what a checkpoint keeps. Nothing follows the end; nothing is longer than asked."""
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(sample(policy, episodes[:2], 4, 2.0))
    assert runs[0] == runs[1] != runs[2]
    for ids in runs[0]:
        assert 1 <= len(ids) <= 16
        assert 1 not in ids[:-1]


def test_the_distribution_is_the_whole_one(policy: Qwen3ForCausalLM, episodes: list[Episode]) -> None:
    """First tokens of 400 siblings are among the 50 likeliest as often as the model says: no top-k, no top-p."""
    prompt = episodes[0].prompt_ids
    torch.manual_seed(3)
    drawn = sample_groups(policy, [prompt], 400, eos_id=1, most_tokens=1, temperature=3.0)
    with torch.no_grad():
        wanted = policy(torch.tensor([prompt])).logits[0, -1].div(3.0).softmax(dim=0)
    common = wanted.topk(50).indices
    expected = wanted[common].sum().item()
    assert 0.05 < expected < 0.95
    found = sum(ids[0] in common.tolist() for ids in drawn) / 400
    assert abs(found - expected) < 4 * (expected * (1 - expected) / 400) ** 0.5


def test_what_trl_is_given(
    policy: Qwen3ForCausalLM, episodes: list[Episode], prompt: SummarizerPrompt, tokenizer: TextTokenizer
) -> None:
    """Prompts by job id; lengths without the end mark; the first of each group is shown."""
    shown = []
    rollouts = Rollouts(
        policy, {episode.job_id: episode for episode in episodes}, prompt, tokenizer, 2, lambda *row: shown.append(row)
    )
    trainer = SimpleNamespace(args=SimpleNamespace(temperature=1.0), state=SimpleNamespace(global_step=12))
    ids = [episode.job_id for episode in episodes[:2] for _ in range(2)]
    torch.manual_seed(1)
    output = rollouts(ids, trainer)
    assert output["prompt_ids"] == [episode.prompt_ids for episode in episodes[:2] for _ in range(2)]
    for completion, length, ended in zip(
        output["completion_ids"], output["num_tokens"], output["is_finished"], strict=True
    ):
        assert ended == (completion[-1] == 1)
        assert length == len(completion) - ended
    assert shown == [(12, ids[0], output["summary"][0]), (12, ids[2], output["summary"][2])]
    with pytest.raises(AssertionError):
        rollouts([ids[0], ids[2], ids[0], ids[2]], trainer)
