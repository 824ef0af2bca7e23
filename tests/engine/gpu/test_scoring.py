"""Packed scoring on the GPU: compiled, as graphs, against the CPU in float32."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from models.engine.backend import Backend, choose_backend
from models.engine.jobs import Prompt
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from tests.engine.gpu.conftest import BUNDLES, on_cpu, on_gpu

pytestmark = pytest.mark.gpu

RANKER = "ranker-tiny"
LABELS = tuple(json.loads((BUNDLES / RANKER / "precis.json").read_text())["label_token_ids"])
TOLERANCES = {torch.float32: 1e-4, torch.bfloat16: 0.02}
"""Of scores, as services ask of an engine (docs/engines.md)."""


def random_prompt(rng: random.Random, least: int, most: int) -> Prompt:
    return Prompt(tuple(rng.randrange(4096) for _ in range(rng.randint(least, most))))


def random_groups(seed: int, num_groups: int) -> list[Group]:
    rng = random.Random(seed)
    return [
        Group(
            Prefix(random_prompt(rng, 0, rng.choice([0, 50, 200]))),
            [random_prompt(rng, 1, 120) for _ in range(rng.randint(1, 6))],
        )
        for _ in range(num_groups)
    ]


def scores_of(backend: Backend, groups: list[Group]) -> torch.Tensor:
    return label_logits(backend.model, backend.encode_pass(groups), LABELS).softmax(-1)[:, 0].cpu()


def cpu_scores(groups: list[Group]) -> torch.Tensor:
    model = on_cpu(RANKER)
    fresh = [Group(Prefix(group.prefix.prompt), group.items) for group in groups]
    return label_logits(model, encode_pass(model, fresh), LABELS).softmax(-1)[:, 0]


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_scores_are_those_of_the_cpu(opened: Callable, dtype: torch.dtype) -> None:
    """Claim: in passes of many sizes, in any order and again, each score is the CPU's within the type's tolerance."""
    backend = opened(RANKER, dtype)
    all_scores = []
    for seed, num_groups in ((1, 1), (2, 4), (3, 2), (4, 4), (5, 1), (2, 4)):
        groups = random_groups(seed, num_groups)
        wanted = cpu_scores(groups)
        all_scores.append(wanted)
        assert (scores_of(backend, groups) - wanted).abs().max() <= TOLERANCES[dtype]
    assert torch.cat(all_scores).std() > 0.05, "a test on equal scores proves nothing"


def test_a_replay_gives_the_same_again(opened: Callable) -> None:
    """Claim: a graph that is replayed on the same pass, after another, gives the same bits."""
    backend, groups = opened(RANKER, torch.float32), random_groups(7, 3)
    first = scores_of(backend, groups)
    scores_of(backend, random_groups(8, 3))
    assert torch.equal(first, scores_of(backend, groups))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_company_and_order_do_not_matter(opened: Callable, dtype: torch.dtype) -> None:
    """Claim: an item scores as it does alone, in whatever order, up to the rounding of its type."""
    backend, rng = opened(RANKER, dtype), random.Random(9)
    prefix = random_prompt(rng, 60, 60)
    items = [random_prompt(rng, 1, 120) for _ in range(12)]
    together = scores_of(backend, [Group(Prefix(prefix), items)])
    alone = torch.cat([scores_of(backend, [Group(Prefix(prefix), [item])]) for item in items])
    backwards = scores_of(backend, [Group(Prefix(prefix), items[::-1])])
    assert (together - alone).abs().max() <= TOLERANCES[dtype]
    assert (together - backwards.flip(0)).abs().max() <= TOLERANCES[dtype]


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_what_is_not_finite_stays_in_its_own_item(broken: float) -> None:
    """Claim: NaN and infinity reach their own item's score and no other, though items share blocks."""
    model = on_gpu(RANKER, torch.float32)
    embedding = model.embedding_VE.clone()
    embedding[200] = broken
    backend = choose_backend(replace(model, embedding_VE=embedding, head_VE=model.head_VE), max_rows=256)
    items = [[3, 4, 5], [6, 200, 8], [7], [200], [9, 10]]
    groups = [Group(Prefix(Prompt((1, 2))), [Prompt(tuple(item)) for item in items])]
    assert backend.kernels == "graphs"
    scores, wanted = scores_of(backend, groups), cpu_scores(groups)
    for item, score, want in zip(items, scores, wanted, strict=True):
        if 200 in item:
            assert not score.isfinite()
        else:
            assert (score - want).abs() <= TOLERANCES[torch.float32]


def test_embeddings_score_as_their_tokens(opened: Callable) -> None:
    """Claim: an item given as input embeddings is computed like its tokens, in a graph too."""
    backend, groups = opened(RANKER, torch.float32), random_groups(11, 2)
    embedding = on_cpu(RANKER).embedding_VE

    def as_embeddings(prompt: Prompt) -> Prompt:
        places = tuple(range(0, len(prompt), 2))
        vectors = tuple(tuple(embedding[prompt.ids[place]].tolist()) for place in places)
        return Prompt(tuple(0 if place in places else token for place, token in enumerate(prompt.ids)), places, vectors)

    given = [Group(group.prefix, [as_embeddings(item) for item in group.items]) for group in groups]
    assert (scores_of(backend, given) - cpu_scores(groups)).abs().max() <= TOLERANCES[torch.float32]
