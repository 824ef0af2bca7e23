"""Measuring one way to prune: a copy of the ranker is pruned, ranks, is trained further, ranks again."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

import torch

from models.bundle import Bundle
from models.training.architecture import CausalModel
from models.training.batches import Batch
from models.training.corpora import Corpus, training_corpus
from models.training.export import load_weights
from models.training.loop import LoopConfig, train
from models.training.measures import ndcg_at_10_by_query
from models.training.pruning.lessons import Answers, Lesson, losses_of, whole_items
from models.training.pruning.plan import LayerPlan
from models.training.pruning.prompts import Reader
from models.training.pruning.pruned import Target, prune, shape_of
from models.training.pruning.recovery import RECOVERY_RATES
from models.training.pruning.report import Row
from models.training.ranker_data import RankerData

__all__ = ["Bench", "Recovery"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """The further training of each row."""

    steps: int
    """0 for none."""
    lesson: Lesson
    seed: int
    checkpoint: Path
    """Of the row that is being trained; a killed one goes on from it."""
    fingerprint: str
    """Identity of the run: a checkpoint of another one is not continued."""


class Bench:
    """A ranker to prune again and again.

    Args:
        bundle: Ranker.
        held_out: What is ranked.
        batches: Calibration prompts.
        recovery: What follows each pruning.
    """

    def __init__(self, bundle: Bundle, held_out: Corpus, batches: Sequence[Batch], recovery: Recovery) -> None:
        self._reader, self._label_ids = Reader.of(bundle), bundle.manifest.label_token_ids
        self._model = load_weights(bundle.path)
        self._held_out, self._batches, self._recovery = held_out, batches, recovery
        self.shape = shape_of(self._model)

    @cached_property
    def _training(self) -> RankerData:
        return self._reader.data(training_corpus(), self._recovery.seed)

    def measure(self, target: Target | None, *, is_recovered: bool) -> Row:
        """Prune, rank, and train and rank once more where asked.

        Args:
            target: What is pruned; None for nothing, which is the control.
            is_recovered: Whether the recovery follows.
        """
        model = copy.deepcopy(self._model)
        layers = prune(model, target, self._batches) if target else ()
        ranked = self._rank(model)
        recovered = self._recovered(model, f"{target}") if is_recovered else None
        return Row(
            method=target.method if target and target.mlp_keep < 1 else None,
            removed=round(1 - target.mlp_keep, 6) if target else 0.0,
            dropped_layers=target.dropped_layers if target else (),
            shape=shape_of(model),
            loss=_mean_loss(layers),
            ndcg_at_10=ranked,
            recovered_ndcg_at_10=recovered,
        )

    def _recovered(self, model: CausalModel, name: str) -> tuple[float, ...]:
        recovery = self._recovery
        answers, teacher = Answers(model, self._label_ids), Answers(self._model, self._label_ids)
        losses = losses_of(answers, teacher, whole_items(self._training), recovery.lesson)
        loop = LoopConfig(recovery.steps, recovery.checkpoint, f"{recovery.fingerprint}/{name}")
        train(model, losses, loop, RECOVERY_RATES, "recovery")
        return self._rank(model.eval())

    def _rank(self, model: CausalModel) -> tuple[float, ...]:
        """nDCG@10 of each held-out query, with the weights as a bundle would store them."""
        stored = copy.deepcopy(model)
        with torch.no_grad():
            for parameter in stored.parameters():  # the rotary frequencies are no parameters: bundles do not store them
                parameter.copy_(parameter.bfloat16().float())
        grades = [entry.grades for entry in self._held_out.judged]
        return tuple(ndcg_at_10_by_query(grades, self._reader.scores(stored, self._held_out)))


def _mean_loss(layers: Sequence[LayerPlan]) -> float | None:
    losses = [entry.neurons_loss for entry in layers if entry.neurons_loss is not None]
    return fmean(losses) if losses else None
