"""The training loop on a model small enough to overfit in a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.training.architecture import Shape, build_model
from models.training.batches import padded
from models.training.examples import Example
from models.training.loop import LoopConfig, LossOfStep, train
from models.training.losses import label_logits, next_token_loss, soft_label_loss
from models.training.optimiser import OptimiserConfig, scale_at
from tests.doubles.killed import Killed

SMALL = Shape(hidden=32, layers=2, heads=2, kv_heads=1, head_dim=16, mlp=48)
PAIRS = [Example([query, item]) for query in (10, 11) for item in (20, 21)]
GRADES = torch.tensor([4, 0, 0, 4])  # an exclusive or: no token alone gives it away
COPIES = [Example([5, first, second, 6], [first, second, 1]) for first in range(10, 14) for second in range(20, 24)]


def _ranking(model: torch.nn.Module) -> LossOfStep:
    def of_step(step: int) -> Iterator[torch.Tensor]:
        batch = padded(PAIRS)
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        yield soft_label_loss(label_logits(model, hidden, batch.last, (30, 31)), GRADES).mean()

    return of_step


def _copying(model: torch.nn.Module) -> LossOfStep:
    def of_step(step: int) -> Iterator[torch.Tensor]:
        batch = padded(COPIES)
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        yield next_token_loss(model, hidden, batch.ids, batch.is_target).mean()

    return of_step


@pytest.mark.parametrize("task", [_ranking, _copying])
def test_a_small_model_overfits_a_few_examples(task: object, tmp_path: Path) -> None:
    """Both losses fall close to zero, so gradients reach every part that matters."""
    torch.manual_seed(0)
    model = build_model(SMALL, 64, seed=3)
    loss = train(model, task(model), LoopConfig(150, tmp_path / "c", "x"), OptimiserConfig(), "overfit")
    assert loss < 0.02
    assert not (tmp_path / "c").exists()


def test_a_resumed_run_ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path) -> None:
    """Killed after a checkpoint and started again: the same bytes."""
    whole, broken = build_model(SMALL, 64, seed=3), build_model(SMALL, 64, seed=3)
    train(whole, _ranking(whole), LoopConfig(12, tmp_path / "a", "x"), OptimiserConfig(), "whole")
    often = LoopConfig(12, tmp_path / "b", "x", checkpoint_every_s=0.0)

    def until_killed(step: int) -> Iterator[torch.Tensor]:
        if step == 7:
            raise Killed
        yield from _ranking(broken)(step)

    with pytest.raises(Killed):
        train(broken, until_killed, often, OptimiserConfig(), "broken")
    resumed = build_model(SMALL, 64, seed=99)  # its own weights do not matter: the checkpoint has them
    train(resumed, _ranking(resumed), often, OptimiserConfig(), "resumed")
    for expected, found in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(expected, found)


def test_a_checkpoint_of_another_run_is_not_continued(tmp_path: Path) -> None:
    """Another seed, data set or length is another fingerprint: training begins at its first step."""
    model = build_model(SMALL, 64, seed=3)

    def killed_at_two(step: int) -> Iterator[torch.Tensor]:
        if step == 2:
            raise Killed
        yield from _ranking(model)(step)

    with pytest.raises(Killed):
        train(model, killed_at_two, LoopConfig(4, tmp_path / "c", "one", 0.0), OptimiserConfig(), "one")
    seen: list[int] = []

    def noted(step: int) -> Iterator[torch.Tensor]:
        seen.append(step)
        yield from _ranking(model)(step)

    train(model, noted, LoopConfig(4, tmp_path / "c", "two", 0.0), OptimiserConfig(), "two")
    assert seen == [0, 1, 2, 3]


def _mostly_frozen() -> torch.nn.Module:
    model = build_model(SMALL, 64, seed=3)
    model.requires_grad_(False)
    model.model.layers[1].mlp.up_proj.weight.requires_grad_(True)
    return model


def test_frozen_weights_stay_and_are_in_no_checkpoint(tmp_path: Path) -> None:
    """Only what learns is kept and changed; AdamW trains matrices too where they have no rate of their own."""
    learns = "model.layers.1.mlp.up_proj.weight"
    rates = OptimiserConfig(matrix_rate=None, other_rate=1e-2)
    often = LoopConfig(4, tmp_path / "c", "x", checkpoint_every_s=0.0)
    whole, broken, resumed = _mostly_frozen(), _mostly_frozen(), _mostly_frozen()

    def until_killed(step: int) -> Iterator[torch.Tensor]:
        if step == 3:
            raise Killed
        yield from _ranking(broken)(step)

    with pytest.raises(Killed):
        train(broken, until_killed, often, rates, "broken")
    assert list(torch.load(tmp_path / "c")["model"]) == [learns]
    train(resumed, _ranking(resumed), often, rates, "resumed")
    train(whole, _ranking(whole), LoopConfig(4, tmp_path / "d", "y"), rates, "whole")
    for (name, before), (_, expected), (_, found) in zip(
        _mostly_frozen().named_parameters(), whole.named_parameters(), resumed.named_parameters(), strict=True
    ):
        assert torch.equal(expected, found)
        assert torch.equal(before, found) is (name != learns)


def test_learning_rate_warms_up_holds_and_cools_down() -> None:
    """It rises to 1, stays, and ends at 2 %."""
    config = OptimiserConfig(warm_up=0.1, cool_down=0.5)
    scales = [scale_at(step, 100, config) for step in range(100)]
    assert scales[:10] == sorted(scales[:10])
    assert scales[10:50] == [1.0] * 40
    assert scales[50:] == sorted(scales[50:], reverse=True)
    assert scales[-1] == pytest.approx(0.02)
