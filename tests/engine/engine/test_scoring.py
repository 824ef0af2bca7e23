"""Packed scoring against transformers, and what items of one pack must not do to each other."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.engine.config import CPU_BATCH_TOKENS
from models.engine.errors import NumericalFault
from models.engine.jobs import Prompt, ScoreJob, ScoreResult
from models.engine.layers import Model
from models.engine.score_lane import ScoreLane
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.telemetry import Telemetry
from tests.engine.engine.checkpoints import load_reference, reference_logits, save_random
from tests.engine.engine.conftest import SHAPES, load_cpu

VOCABULARY = 211
LABELS = (5, 9)
TOLERANCE = 1e-5
"""What issue 3 asks for; the largest difference seen is 8e-7."""


def random_ids(rng: random.Random, num_tokens: int) -> list[int]:
    return [rng.randrange(VOCABULARY) for _ in range(num_tokens)]


def score_job(prefix: list[int], items: list[list[int]], **options: bool) -> ScoreJob:
    return ScoreJob(
        prefix=Prompt(tuple(prefix)),
        items=[Prompt(tuple(item)) for item in items],
        label_token_ids=LABELS,
        is_softmax_over_labels=options.get("softmax", True),
        wants_logprobs=options.get("logprobs", False),
        num_tokens=0,
        submitted_at=0.0,
    )


def compute(model: Model, job: ScoreJob, *, max_batch_tokens: int = CPU_BATCH_TOKENS) -> ScoreResult:
    lane = ScoreLane(model, max_batch_tokens=max_batch_tokens, clock=lambda: 0.0, telemetry=Telemetry(lambda: 0.0))
    lane.submit(job)
    while lane.has_work:
        lane.step()
    return job.done.result(timeout=0)


@pytest.mark.parametrize("prefix_tokens", [0, 1, 7, 40])
@pytest.mark.parametrize("name", SHAPES)
def test_scores_equal_transformers_in_float32(loaded: Callable, name: str, prefix_tokens: int) -> None:
    """Claim: for any shape, prefix length and uneven items, each score is that of its prompt computed alone."""
    model, reference = loaded(name)
    rng = random.Random(f"{name}{prefix_tokens}")
    prefix = random_ids(rng, prefix_tokens)
    items = [random_ids(rng, rng.randint(1, 30)) for _ in range(12)]
    scores = compute(model, score_job(prefix, items)).scores
    want = torch.stack([reference_logits(reference, prefix + item) for item in items])[:, LABELS].softmax(-1)
    assert want[:, 0].std() > 0.1, "a test on equal scores proves nothing"
    assert (torch.tensor(scores) - want).abs().max() <= TOLERANCE


def test_items_of_equal_length_score_as_transformers(loaded: Callable) -> None:
    """Claim: the layout without padding gives the same scores."""
    model, reference = loaded("gqa2")
    rng = random.Random(3)
    prefix, items = random_ids(rng, 9), [random_ids(rng, 12) for _ in range(6)]
    scores = compute(model, score_job(prefix, items)).scores
    want = torch.stack([reference_logits(reference, prefix + item) for item in items])[:, LABELS].softmax(-1)
    assert (torch.tensor(scores) - want).abs().max() <= TOLERANCE


def test_full_vocabulary_probabilities_equal_transformers(loaded: Callable) -> None:
    """Claim: without softmax over the labels the scores are probabilities among the whole vocabulary, as in SGLang."""
    model, reference = loaded("mqa_untied")
    rng = random.Random(4)
    prefix, items = random_ids(rng, 9), [random_ids(rng, rng.randint(1, 20)) for _ in range(5)]
    result = compute(model, score_job(prefix, items, softmax=False, logprobs=True))
    want = torch.stack([reference_logits(reference, prefix + item) for item in items]).log_softmax(-1)[:, LABELS]
    assert result.logprobs is not None
    assert (torch.tensor(result.logprobs) - want).abs().max() <= TOLERANCE
    assert (torch.tensor(result.scores) - want.exp()).abs().max() <= TOLERANCE


@pytest.mark.parametrize("name", ["gqa3", "llama"])
@pytest.mark.parametrize("seed", range(10))
def test_a_score_depends_on_its_own_prompt_only(loaded: Callable, name: str, seed: int) -> None:
    """Claim: neither the company, nor the order, nor the size of the packs changes a score."""
    model, _ = loaded(name)
    rng = random.Random(seed)
    prefix = random_ids(rng, rng.randint(0, 30))
    items = [random_ids(rng, rng.randint(1, 40)) for _ in range(rng.randint(2, 20))]
    together = torch.tensor(compute(model, score_job(prefix, items)).scores)
    alone = torch.tensor([compute(model, score_job(prefix, [item])).scores[0] for item in items])
    order = rng.sample(range(len(items)), len(items))
    shuffled = torch.tensor(compute(model, score_job(prefix, [items[index] for index in order])).scores)
    in_small_packs = torch.tensor(compute(model, score_job(prefix, items), max_batch_tokens=24).scores)
    assert (together - alone).abs().max() <= 2e-6
    assert (together[order] - shuffled).abs().max() <= 2e-6
    assert (together - in_small_packs).abs().max() <= 2e-6


def test_the_prefix_is_computed_once_for_all_packs(loaded: Callable) -> None:
    """Claim: rows through the model are the prefix once and each item once, however many packs there are."""
    model, _ = loaded("gqa2")
    rng = random.Random(5)
    prefix, items = random_ids(rng, 30), [random_ids(rng, 10) for _ in range(8)]
    assert compute(model, score_job(prefix, items), max_batch_tokens=20).num_computed_tokens == 30 + 80


def test_no_items_give_no_scores(loaded: Callable) -> None:
    """Claim: an empty list is answered, not waited for."""
    model, _ = loaded("gqa2")
    assert compute(model, score_job([1, 2], [])).scores == []


@pytest.fixture
def poisoned(tmp_path: Path) -> Model:
    """A model whose token 200 has NaN for an embedding."""
    path = save_random(tmp_path / "poisoned", SHAPES["gqa2"])
    tensors = load_file(path / "model.safetensors")
    tensors["model.embed_tokens.weight"][200] = torch.nan
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    return load_cpu(path)


def test_nan_is_an_error_and_not_a_score(poisoned: Model) -> None:
    """Claim: a request whose computation gives NaN fails as a whole."""
    job = score_job([1, 2], [[3, 4], [5, 200]])
    with pytest.raises(NumericalFault):
        compute(poisoned, job)


@pytest.mark.parametrize("items", [[[3, 4, 5], [6, 200], [7]], [[200], [3, 4, 5, 6]], [[3, 4], [200, 5]]])
def test_nan_in_one_item_leaves_its_neighbours_alone(poisoned: Model, items: list[list[int]]) -> None:
    """Claim: not even NaN crosses from one item to another of the same pack, padding included."""
    group = Group(Prefix(Prompt((1, 2))), [Prompt(tuple(item)) for item in items])
    logits = label_logits(poisoned, encode_pass(poisoned, [group]), LABELS)
    for item, row in zip(items, logits, strict=True):
        assert torch.isfinite(row).all() == (200 not in item)


def test_weights_stored_in_bfloat16_are_computed_in_float32(tmp_path: Path) -> None:
    """Claim: a bfloat16 checkpoint scores as transformers does after upcasting it."""
    path = save_random(tmp_path / "bf16", SHAPES["gqa2"], dtype=torch.bfloat16)
    model, reference = load_cpu(path), load_reference(path)
    assert model.dtype == torch.float32
    scores = compute(model, score_job([1, 2, 3], [[4, 5], [6]])).scores
    want = torch.stack([reference_logits(reference, [1, 2, 3, *item]) for item in ([4, 5], [6])])[:, LABELS].softmax(-1)
    assert (torch.tensor(scores) - want).abs().max() <= TOLERANCE


@pytest.mark.parametrize("name", ["gqa2", "llama"])
def test_bfloat16_computation_stays_near_float32(checkpoint: Callable[[str], Path], name: str) -> None:
    """Claim: --dtype bfloat16 computes the same function up to rounding (8 bits of mantissa, three layers)."""
    exact, rounded = load_cpu(checkpoint(name)), load_cpu(checkpoint(name), torch.bfloat16)
    rng = random.Random(6)
    prefix, items = random_ids(rng, 9), [random_ids(rng, rng.randint(1, 20)) for _ in range(8)]
    difference = torch.tensor(compute(exact, score_job(prefix, items)).scores) - torch.tensor(
        compute(rounded, score_job(prefix, items)).scores
    )
    assert difference.abs().max() < 0.1


def test_embeddings_of_ordinary_tokens_score_as_the_tokens(loaded: Callable) -> None:
    """Claim: an item, or a prefix, given as input embeddings is computed like the tokens they belong to."""
    model, _ = loaded("gqa3")
    rng = random.Random(8)
    prefix, items = random_ids(rng, 7), [random_ids(rng, rng.randint(1, 20)) for _ in range(5)]
    want = torch.tensor(compute(model, score_job(prefix, items)).scores)

    def as_embeddings(ids: list[int], places: tuple[int, ...]) -> Prompt:
        vectors = tuple(tuple(model.embedding_VE[ids[place]].tolist()) for place in places)
        return Prompt(tuple(0 if place in places else token for place, token in enumerate(ids)), places, vectors)

    job = score_job(prefix, items)
    job.prefix = as_embeddings(prefix, (0, 3, 6))
    job.items = [as_embeddings(item, tuple(range(0, len(item), 1 + index % 2))) for index, item in enumerate(items)]
    assert (torch.tensor(compute(model, job).scores) - want).abs().max() <= 1e-6
