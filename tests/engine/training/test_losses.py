"""Losses of the two trainings against formulas written out."""

import math

import pytest
import torch

from models.training.architecture import Shape, build_model
from models.training.batches import padded
from models.training.examples import Example
from models.training.losses import label_logits, next_token_loss, soft_label_loss
from models.training.soft_labels import SOFT_LABELS

SMALL = Shape(hidden=32, layers=2, heads=2, kv_heads=1, head_dim=16, mlp=48)


def test_soft_label_loss_equals_the_formula() -> None:
    """KL(p || q) = sum p log(p/q) over yes and no."""
    logits = torch.tensor([[1.5, -0.5], [-2.0, 0.3], [0.0, 0.0], [0.7, 0.1], [3.0, -1.0]])
    losses = soft_label_loss(logits, torch.arange(5))
    for row, label, loss in zip(logits.tolist(), SOFT_LABELS, losses.tolist(), strict=True):
        yes = 1 / (1 + math.exp(row[1] - row[0]))
        expected = label * math.log(label / yes) + (1 - label) * math.log((1 - label) / (1 - yes))
        assert loss == pytest.approx(expected, abs=1e-6)


def test_soft_label_loss_is_zero_at_the_label() -> None:
    """A model that gives exactly the soft label has nothing to learn."""
    logits = torch.tensor([[math.log(label), math.log(1 - label)] for label in SOFT_LABELS])
    assert soft_label_loss(logits, torch.arange(5)).abs().max() < 1e-6


def test_label_rows_equal_the_full_head_at_the_last_token() -> None:
    """Two rows of the head give what the whole head gives, whatever the padding behind the last token."""
    model = build_model(SMALL, 64, seed=1).eval()
    batch = padded([Example([5, 6, 7]), Example([9, 8, 7, 6, 5, 4]), Example([3])])
    with torch.inference_mode():
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        rows = label_logits(model, hidden, batch.last, (11, 12))
        for index, ids in enumerate(([5, 6, 7], [9, 8, 7, 6, 5, 4], [3])):
            full = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
            assert torch.allclose(rows[index], full[[11, 12]], atol=1e-5)


def test_next_token_loss_covers_the_chosen_positions_only() -> None:
    """Equal to the cross entropy of the full logits at these positions; prompt and target are told apart."""
    model = build_model(SMALL, 64, seed=2).eval()
    batch = padded([Example([5, 6, 7], [8, 9]), Example([4], [3])])
    assert batch.is_target.tolist() == [[False, False, True, True], [True, False, False, False]]
    assert batch.is_prompt.tolist() == [[True, True, False, False], [False] * 4]
    with torch.inference_mode():
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        losses = next_token_loss(model, hidden, batch.ids, batch.is_target)
        full = model(input_ids=batch.ids, use_cache=False).logits.log_softmax(-1)
    expected = [-full[0, 2, 8], -full[0, 3, 9], -full[1, 0, 3]]
    assert losses.tolist() == pytest.approx([value.item() for value in expected], abs=1e-5)
