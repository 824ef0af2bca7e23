"""Scoring requests that share passes: exact, independent, in turns, and ending early."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.engine import score_lane
from models.engine.errors import ClientGone, DeadlineExceeded, InternalFault, NumericalFault
from models.engine.jobs import Prompt, ScoreJob
from models.engine.layers import Model
from models.engine.score_lane import ScoreLane
from models.engine.telemetry import Telemetry
from tests.engine.engine.checkpoints import reference_logits, save_random
from tests.engine.engine.conftest import SHAPES, load_cpu

LABELS = (5, 6)
POISON = {torch.nan: 200, torch.inf: 201}


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lane_over(model: Model, clock: Clock, *, max_batch_tokens: int = 10) -> ScoreLane:
    return ScoreLane(model, max_batch_tokens=max_batch_tokens, clock=clock, telemetry=Telemetry(clock))


def job_with(prefix: list[int], items: list[list[int]]) -> ScoreJob:
    return ScoreJob(
        prefix=Prompt(tuple(prefix)),
        items=[Prompt(tuple(item)) for item in items],
        label_token_ids=LABELS,
        is_softmax_over_labels=True,
        num_tokens=0,
        submitted_at=0.0,
    )


def random_jobs(seed: int) -> list[tuple[list[int], list[list[int]]]]:
    """Prefixes, some the same and some empty, each with uneven items."""
    rng = random.Random(seed)

    def ids(low: int, high: int) -> list[int]:
        return [rng.randrange(199) for _ in range(rng.randint(low, high))]

    prefixes = [ids(1, 40), ids(1, 40), []]
    return [(rng.choice(prefixes), [ids(1, 40) for _ in range(rng.randint(1, 6))]) for _ in range(6)]


def scores_of(model: Model, jobs: list[ScoreJob], *, max_batch_tokens: int = 10_000) -> list[torch.Tensor]:
    lane = lane_over(model, Clock(), max_batch_tokens=max_batch_tokens)
    for job in jobs:
        lane.submit(job)
    while lane.has_work:
        lane.step()
    return [torch.tensor(job.done.result(timeout=0).scores) for job in jobs]


@pytest.mark.parametrize("max_batch_tokens", [1, 60, 10_000])
@pytest.mark.parametrize("seed", range(4))
def test_requests_of_one_pass_score_as_transformers_scores_each_prompt(
    loaded: Callable, seed: int, max_batch_tokens: int
) -> None:
    """Claim: however many requests share however few passes, each score is that of its prompt computed alone."""
    model, reference = loaded("gqa3")
    inputs = random_jobs(seed)
    scores = scores_of(model, [job_with(*one) for one in inputs], max_batch_tokens=max_batch_tokens)
    for (prefix, items), got in zip(inputs, scores, strict=True):
        want = torch.stack([reference_logits(reference, prefix + item) for item in items])[:, LABELS].softmax(-1)
        assert (got - want).abs().max() <= 1e-5


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_requests_changes_no_score(loaded: Callable, seed: int) -> None:
    """Claim: a request scores the same whoever comes before it."""
    model, _ = loaded("gqa2")
    inputs = random_jobs(seed)
    scores = scores_of(model, [job_with(*one) for one in inputs])
    backwards = scores_of(model, [job_with(*one) for one in reversed(inputs)])[::-1]
    assert max((one - other).abs().max() for one, other in zip(scores, backwards, strict=True)) <= 2e-6


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose tokens 200 and 201 have NaN and infinity for embeddings."""
    path = save_random(tmp_path_factory.mktemp("poisoned") / "bundle", SHAPES["mqa_untied"])
    tensors = load_file(path / "model.safetensors")
    for value, token in POISON.items():
        tensors["model.embed_tokens.weight"][token] = value
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    return path


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("token", POISON.values())
@pytest.mark.parametrize("place", ["prefix", "item"])
def test_nan_and_infinity_stay_in_their_request(poisoned: Path, dtype: torch.dtype, token: int, place: str) -> None:
    """Claim: a request that computes no finite number fails; those in the same pass get what they get without it."""
    model = load_cpu(poisoned, dtype)
    inputs = random_jobs(7)
    alone = scores_of(model, [job_with(*one) for one in inputs])
    broken = (
        job_with([1, token], [[3], [4, 5]]) if place == "prefix" else job_with(inputs[0][0], [[3] * 30, [4, token]])
    )
    jobs = [job_with(*one) for one in inputs]
    lane = lane_over(model, Clock(), max_batch_tokens=10_000)
    for job in [*jobs[:3], broken, *jobs[3:]]:
        lane.submit(job)
    lane.step()
    assert isinstance(broken.done.exception(timeout=0), NumericalFault)
    tolerance = 2e-6 if dtype == torch.float32 else 0.05  # bfloat16: other block sizes round differently
    for job, want in zip(jobs, alone, strict=True):
        assert (torch.tensor(job.done.result(timeout=0).scores) - want).abs().max() <= tolerance


def test_a_prefix_that_requests_have_in_common_is_computed_once(loaded: Callable) -> None:
    """Claim: its rows count for one of the requests, and the other computes its items only."""
    jobs = [job_with([1, 2, 3], [[4, 5]]), job_with([1, 2, 3], [[6]])]
    scores_of(loaded("gqa2")[0], jobs)
    assert sorted(job.done.result(timeout=0).num_computed_tokens for job in jobs) == [1, 5]


def test_a_pass_that_fails_loses_only_the_request_that_makes_it_fail(
    loaded: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim: after a failure each request of the pass is tried alone."""
    model, _ = loaded("gqa2")
    encode = score_lane.encode_pass

    def fail_on_token_9(model, groups):
        if any(9 in item.ids for group in groups for item in group.items):
            raise MemoryError
        return encode(model, groups)

    monkeypatch.setattr(score_lane, "encode_pass", fail_on_token_9)
    good, bad = job_with([1, 2], [[3], [4]]), job_with([1, 2], [[9]])
    lane = lane_over(model, Clock(), max_batch_tokens=100)
    lane.submit(bad)
    lane.submit(good)
    lane.step()
    assert isinstance(bad.done.exception(timeout=0), InternalFault)
    assert len(good.done.result(timeout=0).scores) == 2


def test_an_expired_request_leaves_before_it_is_computed(loaded: Callable) -> None:
    """Claim: a deadline that passed while the request waited costs no row."""
    clock = Clock()
    lane = lane_over(loaded("gqa2")[0], clock)
    late = job_of(1, deadline=1.0)
    lane.submit(late)
    clock.now = 1.0
    lane.step()
    assert isinstance(late.done.exception(timeout=0), DeadlineExceeded)
    assert late.started_at is None


def job_of(num_packs: int, *, deadline: float | None = None) -> ScoreJob:
    """A request whose items fill so many passes of ten tokens."""
    return ScoreJob(
        prefix=Prompt((1, 2)),
        items=[Prompt((3,) * 10)] * num_packs,
        label_token_ids=LABELS,
        is_softmax_over_labels=True,
        num_tokens=0,
        submitted_at=0.0,
        deadline=deadline,
    )


def test_a_small_request_does_not_wait_for_a_large_one(loaded: Callable) -> None:
    """Claim: at the latest the second pass begins with the smallest request, although the large one came first."""
    lane = lane_over(loaded("gqa2")[0], Clock())
    large, small = job_of(20), job_of(1)
    lane.submit(large)
    lane.submit(small)
    lane.step()
    lane.step()
    assert small.done.done()
    assert not large.done.done()


def test_a_job_given_up_between_packs_stops_there(loaded: Callable) -> None:
    """Claim: a client that leaves, or a deadline that passes, stops a request after the pack that runs."""
    clock = Clock()
    lane = lane_over(loaded("gqa2")[0], clock)
    abandoned, late = job_of(20), job_of(20, deadline=3.0)
    lane.submit(abandoned)
    lane.submit(late)
    lane.step()
    lane.step()
    abandoned.is_abandoned = True
    clock.now = 3.0
    lane.step()
    assert isinstance(abandoned.done.exception(timeout=0), ClientGone)
    assert isinstance(late.done.exception(timeout=0), DeadlineExceeded)
    assert not lane.has_work
