"""What transformers answers in float32, one sequence at a time and without padding: what engines are held against.

    python -m models.training.reference --bundle DIR [--threads N] < job.json

The job is ``{"pairs": [[query_ids, item_ids], ...], "labels": [yes, no]}`` or ``{"prompts": [ids, ...], "eos": id,
"max_tokens": n}``; standard output gets ``{"scores": [...]}`` or ``{"outputs": [ids, ...]}``. ``precis engine parity``
runs it, since what it runs in has no torch.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from models.training.architecture import CausalModel
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.losses import label_logits

__all__ = ["answers_to", "main", "score_alone", "scores_of"]


@torch.inference_mode()
def scores_of(model: CausalModel, ids: torch.Tensor, last: torch.Tensor, label_ids: tuple[int, int]) -> list[float]:
    """Scores of a batch: the first label's share at each last token.

    Args:
        model: In evaluation mode.
        ids: Tokens, padded at the right, [B, T].
        last: Index of each sequence's last token, [B].
        label_ids: Ids of `` yes`` and `` no``.
    """
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    scores: list[float] = label_logits(model, hidden, last, label_ids).softmax(dim=1)[:, 0].tolist()
    return scores


def score_alone(
    model: CausalModel, query_ids: Sequence[int], item_ids: Sequence[int], label_ids: tuple[int, int]
) -> float:
    """The pair's score: the first label's share at the last token.

    Args:
        model: In evaluation mode.
        query_ids: The prompt's first part.
        item_ids: And its second.
        label_ids: Ids of `` yes`` and `` no``.
    """
    ids = torch.tensor([[*query_ids, *item_ids]])
    (score,) = scores_of(model, ids, torch.tensor([ids.shape[1] - 1]), label_ids)
    return score


def answers_to(model: CausalModel, job: dict[str, Any]) -> dict[str, Any]:
    """The answers to a job of either form."""
    if "pairs" in job:
        yes, no = job["labels"]
        return {"scores": [score_alone(model, query, item, (yes, no)) for query, item in job["pairs"]]}
    return {"outputs": greedy(model, job["prompts"], job["eos"], job["max_tokens"], batch=1)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the job, write the answers."""
    parser = argparse.ArgumentParser(description="Answers of transformers in float32.")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    json.dump(answers_to(load_weights(options.bundle), json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
