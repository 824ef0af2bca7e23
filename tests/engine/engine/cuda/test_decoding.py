"""The decode batch for the GPU, run on the CPU, against the plain one."""

import random
from collections.abc import Callable

import pytest
import torch

from models.engine.cuda.decoding import GraphedDecodeBatch
from models.engine.cuda.layers import AS_THEY_ARE
from models.engine.cuda.weights import join_layers
from models.engine.decoding import DecodeBatch
from models.engine.layers import Model
from models.engine.sequence_cache import SequenceCache
from tests.engine.engine.conftest import SHAPES

TOLERANCE = 2e-5


class Recorder:
    """Stands for ``Graphs``: a recorded function gives the same tensor each time, as a replayed graph does."""

    def __init__(self) -> None:
        self.num_recorded = 0

    def record(self, run: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
        self.num_recorded += 1
        answers: list[torch.Tensor] = []

        def replay() -> torch.Tensor:
            answer = run()
            if not answers:
                answers.append(answer)
            return answers[0].copy_(answer)

        return replay


def both_over(model: Model, recorder: Recorder) -> tuple[GraphedDecodeBatch, DecodeBatch]:
    joined_model, joined = join_layers(model)
    graphed = GraphedDecodeBatch(joined_model, 4096, joined=joined, kernels=AS_THEY_ARE, record=recorder.record)
    return graphed, DecodeBatch(model, 4096)


def prompt_of(model: Model, ids: list[int]) -> SequenceCache:
    cache = SequenceCache(model, len(ids))
    cache.extend(ids, is_end=True)
    return cache


@pytest.mark.parametrize("name", SHAPES)
def test_steps_are_those_of_the_plain_batch(plain: Callable, name: str) -> None:
    """Claim: while sequences of uneven length join and leave, every step computes the same hidden states."""
    model, rng = plain(name), random.Random(name)
    batches = both_over(model, Recorder())
    for event in [*["join"] * 3, "leave", *["join"] * 4, "leave", "leave", "step", "step", "join"]:
        if event == "join":
            ids = [rng.randrange(200) for _ in range(rng.choice([1, 5, 40, 140]))]
            for batch in batches:
                batch.join(prompt_of(model, ids), len(ids) + 20)
        elif event == "leave":
            row = rng.randrange(batches[0].num_sequences)
            for batch in batches:
                batch.leave(row)
        tokens = [rng.randrange(200) for _ in range(batches[0].num_sequences)]
        found, wanted = (batch.step(tokens) for batch in batches)
        assert found.shape == wanted.shape
        assert (found - wanted).abs().max() <= TOLERANCE


def test_steps_of_one_size_are_recorded_once(plain: Callable) -> None:
    """Claim: as long as the cache stays, rows of one power of two share a recording; another cache starts anew."""
    model, recorder = plain("gqa2"), Recorder()
    batch, _ = both_over(model, recorder)
    for _ in range(4):
        batch.join(prompt_of(model, [1, 2, 3]), 60)
    batch.step([4] * 4)
    batch.leave(0)
    for _ in range(5):
        batch.step([5] * 3)
    assert recorder.num_recorded == 1
    batch.join(prompt_of(model, [1] * 90), 100)
    batch.step([6] * 4)
    assert recorder.num_recorded == 2


def test_padded_rows_leave_nothing_behind(plain: Callable) -> None:
    """Claim: a sequence that joins a row that was padding, or held NaN, computes as in a fresh batch."""
    model = plain("gqa2")
    batch, fresh = both_over(model, Recorder())
    broken = prompt_of(model, [5] * 30)
    broken.values_LKSD.fill_(torch.nan)
    for cache in (prompt_of(model, [1, 2, 3]), prompt_of(model, [7]), broken):
        batch.join(cache, 60)
    assert [bool(row.isfinite().all()) for row in batch.step([4, 4, 4])] == [True, True, False]
    batch.leave(2)
    batch.leave(0)
    assert batch.step([9]).isfinite().all()
    for one in (batch, fresh):
        one.join(prompt_of(model, [8, 9]), 60)
    found, wanted = batch.step([3, 6])[-1], fresh.step([6])[-1]
    assert (found - wanted).abs().max() <= TOLERANCE
