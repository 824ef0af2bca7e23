"""The three rewards as TRL calls them: keyword lists in, one number a sample out. TRL logs each by its name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from models.training.reinforce.divergence import divergence_reward
from models.training.reinforce.episodes import Episode
from models.training.reinforce.faithfulness import faithfulness_reward
from models.training.reinforce.length import Penalty, length_reward
from models.training.reinforce.reader import Reader, Reading

__all__ = ["RewardFunction", "reward_functions"]

RewardFunction = Callable[..., list[float]]


def reward_functions(episodes: Mapping[str, Episode], reader: Reader, penalty: Penalty) -> list[RewardFunction]:
    """Divergence, length, faithfulness, in this order.

    Each takes the prompts (job ids) and what :class:`models.training.reinforce.rollouts.Rollouts` says of each sample.
    """
    # A body costs the ranker twenty summaries' time, and is read again in every pass over the postings.
    answers_after_body: dict[str, list[float]] = {}

    def after_body(job_id: str) -> list[float]:
        if job_id not in answers_after_body:
            episode = episodes[job_id]
            answers_after_body[job_id] = reader.answers(_readings(episode, episode.reference))
        return answers_after_body[job_id]

    def divergence(prompts: Sequence[str], summary: Sequence[str], **_: Any) -> list[float]:
        readings = [
            reading
            for job_id, text in zip(prompts, summary, strict=True)
            for reading in _readings(episodes[job_id], text)
        ]
        summary_BQ = torch.tensor(reader.answers(readings)).view(len(prompts), -1)
        raw_BQ = torch.tensor([after_body(job_id) for job_id in prompts])
        return divergence_reward(summary_BQ, raw_BQ).tolist()

    def length(prompts: Sequence[str], num_tokens: Sequence[int], **_: Any) -> list[float]:
        return [
            length_reward(written, episodes[job_id].body_tokens, penalty)
            for job_id, written in zip(prompts, num_tokens, strict=True)
        ]

    def faithfulness(
        prompts: Sequence[str], summary: Sequence[str], is_finished: Sequence[bool], **_: Any
    ) -> list[float]:
        return [
            faithfulness_reward(text, episodes[job_id].body, is_finished=ended)
            for job_id, text, ended in zip(prompts, summary, is_finished, strict=True)
        ]

    return [divergence, length, faithfulness]


def _readings(episode: Episode, text: str) -> list[Reading]:
    return [Reading(query, episode.header, text) for query in episode.queries]
