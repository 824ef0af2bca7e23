"""Sampling summaries: a group of siblings for every prompt, the prompt read once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.architecture import CausalModel
from models.training.reinforce.episodes import Episode
from models.training.reinforce.siblings import unseen

__all__ = ["Rollouts", "sample_groups"]

_PAD_ID = 0


class Rollouts:
    """TRL's ``rollout_func``: token ids in the service's own prompt, and what the rewards need of each sample.

    TRL would make prompts by tokenising text or a chat template; ours are made of ids, in which no text can pose as a
    mark. So what TRL holds for a prompt is the job id.
    """

    def __init__(
        self,
        policy: CausalModel,
        episodes: Mapping[str, Episode],
        prompt: SummarizerPrompt,
        tokenizer: TextTokenizer,
        siblings: int,
        show: Callable[[int, str, str], None],
    ) -> None:
        """Put together.

        Args:
            policy: What is sampled from: what TRL trains, or what lies under the adapter that it trains.
            episodes: By job id.
            prompt: The summarizer's.
            tokenizer: The summarizer's.
            siblings: Samples a prompt.
            show: Is given step, job id and the first sample of each group.
        """
        self._policy = policy
        self._episodes = episodes
        self._prompt = prompt
        self._tokenizer = tokenizer
        self._siblings = siblings
        self._show = show

    def __call__(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """Sample for each job id, which TRL repeats for the siblings."""
        job_ids = prompts[:: self._siblings]
        assert list(prompts) == [job_id for job_id in job_ids for _ in range(self._siblings)]
        eos_id = self._prompt.stop_token_ids[0]
        completions = sample_groups(
            self._policy,
            [self._episodes[job_id].prompt_ids for job_id in job_ids],
            self._siblings,
            eos_id=eos_id,
            most_tokens=self._prompt.max_output_tokens,
            temperature=trainer.args.temperature,
        )
        summaries = [self._prompt.summary(self._tokenizer.decode(ids)) for ids in completions]
        for job_id, summary in zip(job_ids, summaries[:: self._siblings], strict=True):
            self._show(trainer.state.global_step, job_id, summary)
        return {
            "prompt_ids": [self._episodes[job_id].prompt_ids for job_id in prompts],
            "completion_ids": completions,
            "logprobs": None,  # only an engine of other numerics than the trainer's needs to report them
            "summary": summaries,
            "num_tokens": [len(ids) - (ids[-1] == eos_id) for ids in completions],
            "is_finished": [ids[-1] == eos_id for ids in completions],
        }


@torch.no_grad()
def sample_groups(
    model: CausalModel,
    prompts: Sequence[Sequence[int]],
    siblings: int,
    *,
    eos_id: int,
    most_tokens: int,
    temperature: float,
) -> list[list[int]]:
    """``siblings`` continuations of every prompt, sampled from the full distribution by torch's random state.

    A body is some ten times as long as its summary. So each prompt is read once, padded on the left, and its siblings
    write in one row behind it: what is kept of the prompt is neither repeated for them nor copied with them.

    Args:
        model: The policy. Its mode stays what it is: there is no dropout in these models.
        prompts: Token ids, P of them.
        siblings: G, continuations a prompt.
        eos_id: Ends a continuation, and is kept in it.
        most_tokens: Longest continuation, the end included.
        temperature: Of the sampling.

    Returns:
        P * G continuations without prompt and padding, siblings next to one another.
    """
    width = max(len(ids) for ids in prompts)
    ids_PT = torch.tensor([[_PAD_ID] * (width - len(ids)) + list(ids) for ids in prompts])
    is_prompt_PT = torch.tensor([[False] * (width - len(ids)) + [True] * len(ids) for ids in prompts])
    position_PT = (is_prompt_PT.cumsum(dim=1) - 1).clamp(min=0)
    cache = DynamicCache(config=model.config)
    model.model(
        input_ids=ids_PT[:, :-1],
        attention_mask=is_prompt_PT[:, :-1].long(),
        position_ids=position_PT[:, :-1],
        past_key_values=cache,
        use_cache=True,
    )
    # Every sibling begins with the prompt's last token, and sees the rest of the prompt and what it wrote itself.
    next_PG, position_PG = (last_PT[:, -1:].expand(-1, siblings) for last_PT in (ids_PT, position_PT))
    sees_PGN = is_prompt_PT[:, None, :-1].expand(-1, siblings, -1)
    itself_PGG = torch.eye(siblings, dtype=torch.bool).expand(len(prompts), -1, -1)
    written: list[torch.Tensor] = []
    has_ended_PG = torch.zeros(next_PG.shape, dtype=torch.bool)
    while len(written) < most_tokens and not has_ended_PG.all():
        sees_PGN = torch.cat([sees_PGN, itself_PGG], dim=2)
        hidden_PGD = model.model(
            input_ids=next_PG,
            attention_mask=unseen(sees_PGN)[:, None],
            position_ids=position_PG + len(written),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        odds_PGV = (model.lm_head(hidden_PGD).float() / temperature).softmax(dim=-1)
        next_PG = torch.multinomial(odds_PGV.flatten(0, 1), 1).view(next_PG.shape)
        written.append(next_PG)
        has_ended_PG = has_ended_PG | (next_PG == eos_id)
    return [_until(eos_id, row) for row in torch.stack(written, dim=-1).flatten(0, 1).tolist()]


def _until(eos_id: int, row: list[int]) -> list[int]:
    return row[: row.index(eos_id) + 1] if eos_id in row else row
