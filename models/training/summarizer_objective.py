"""What a summarizer learns from examples: the tokens of its answers and, at first, those of the bodies as well."""

from collections.abc import Iterator, Sequence

import torch

from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.examples import Example, micro_batches
from models.training.losses import next_token_loss

__all__ = ["losses_of_answers", "mean_loss"]


def losses_of_answers(
    model: CausalModel,
    examples: Sequence[Example],
    micro_batch_tokens: int,
    prompt_weight: float = 0.0,
    least_length: float = 0.0,
) -> Iterator[torch.Tensor]:
    """Losses of the micro-batches of a step, each with its share of the step's weight.

    Args:
        model: The summarizer.
        examples: Of the step.
        micro_batch_tokens: Most tokens of a padded micro-batch.
        prompt_weight: Of the next-token loss inside the body, beside 1 for the answer.
        least_length: As for :func:`models.training.examples.micro_batches`.
    """
    for group in micro_batches(examples, micro_batch_tokens, least_length):
        loss = _loss(model, [examples[index] for index in group], prompt_weight)
        yield loss * (len(group) / len(examples))


@torch.no_grad()
def mean_loss(model: CausalModel, examples: Sequence[Example], micro_batch_tokens: int) -> float:
    """Loss of an answer's token on examples that are not learnt from: a point of the learning curve."""
    return sum(float(loss) for loss in losses_of_answers(model, examples, micro_batch_tokens))


def _loss(model: CausalModel, examples: Sequence[Example], prompt_weight: float) -> torch.Tensor:
    batch = padded(examples)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        loss = next_token_loss(model, hidden, batch.ids, batch.is_target).mean()
        if prompt_weight:
            loss = loss + prompt_weight * next_token_loss(model, hidden, batch.ids, batch.is_prompt).mean()
    return loss
