"""Packed scoring for the GPU, run on the CPU: FlexAttention without its compiler, against the engine's own pass."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from models.engine.cuda.graphs import run_each_time
from models.engine.cuda.layers import AS_THEY_ARE, Kernels, compiled
from models.engine.cuda.scoring import PackedScorer
from models.engine.cuda.weights import join_layers
from models.engine.jobs import Prompt
from models.engine.layers import Model
from models.engine.scoring import Group, Prefix, encode_pass
from tests.engine.engine.conftest import SHAPES

TOLERANCE = 2e-5
"""Of hidden states of about 1, in float32: other orders of the same sums."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated"),  # the compiler's own import
]


def scorer_of(model: Model, *, max_rows: int = 1024, **parts: object) -> PackedScorer:
    joined_model, joined = join_layers(model)
    parts = {"kernels": AS_THEY_ARE, "record": run_each_time} | parts
    return PackedScorer(joined_model, joined, max_rows=max_rows, **parts)


def random_prompt(rng: random.Random, least: int, most: int) -> Prompt:
    return Prompt(tuple(rng.randrange(200) for _ in range(rng.randint(least, most))))


def random_groups(seed: int, num_groups: int) -> list[Group]:
    """Some prefixes are empty, some longer than a block."""
    rng = random.Random(seed)
    return [
        Group(
            Prefix(random_prompt(rng, 0, rng.choice([0, 20, 150]))),
            [random_prompt(rng, 1, 60) for _ in range(rng.randint(1, 5))],
        )
        for _ in range(num_groups)
    ]


def expected(model: Model, groups: list[Group]) -> torch.Tensor:
    return encode_pass(model, [Group(Prefix(group.prefix.prompt), group.items) for group in groups])


def assert_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    assert (found - wanted).abs().max() <= TOLERANCE


@pytest.mark.parametrize("num_groups", [1, 4])
@pytest.mark.parametrize("name", SHAPES)
def test_hidden_states_are_those_of_the_plain_pass(plain: Callable, name: str, num_groups: int) -> None:
    """Claim: for any shape and any groups, empty prefixes among them, the packed sequence computes the same."""
    model = plain(name)
    for seed in range(3):
        groups = random_groups(seed, num_groups)
        wanted = expected(model, groups)
        assert wanted.std() > 0.1, "a test on equal states proves nothing"
        assert_same(scorer_of(model).encode_pass(groups), wanted)


def test_sizes_are_used_again_whatever_padding_held(plain: Callable) -> None:
    """Claim: one scorer computes passes of several sizes in any order, and NaN left behind the last row is not seen."""
    model = plain("gqa2")
    scorer = scorer_of(replace(model, embedding_VE=poisoned(model.embedding_VE)))
    scorer.encode_pass([Group(Prefix(Prompt(())), [Prompt((200,) * 250)])])
    for seed in (1, 2, 1):
        for num_groups in (1, 3, 1):
            groups = random_groups(seed, num_groups)
            assert_same(scorer.encode_pass(groups), expected(model, groups))


def test_prepared_sizes_are_not_made_again(plain: Callable) -> None:
    """Claim: after ``prepare`` no pass within the bound asks for another recording."""
    model = plain("gqa2")
    num_recorded = 0

    def record(run: Callable) -> Callable:
        nonlocal num_recorded
        num_recorded += 1
        return run

    scorer = scorer_of(model, max_rows=512, record=record)
    scorer.prepare()
    assert num_recorded == 4
    groups = random_groups(5, 2)
    assert_same(scorer.encode_pass(groups), expected(model, groups))
    assert num_recorded == 4


def test_a_pass_over_the_bound_is_computed_by_the_plain_functions(plain: Callable) -> None:
    """Claim: one item that is longer than the largest size is scored all the same."""
    model = plain("gqa2")
    groups = [Group(Prefix(Prompt((1, 2))), [Prompt(tuple(range(200)))])]
    assert_same(scorer_of(model, max_rows=128).encode_pass(groups), expected(model, groups))


def test_company_and_order_do_not_matter(plain: Callable) -> None:
    """Claim: each item is computed as if alone, in whatever order."""
    model = plain("gqa3")
    scorer = scorer_of(model)
    (group,) = random_groups(7, 1)
    together = scorer.encode_pass([group])
    alone = torch.cat([scorer.encode_pass([Group(group.prefix, [item])]) for item in group.items])
    backwards = scorer.encode_pass([Group(group.prefix, group.items[::-1])])
    assert_same(together, alone)
    assert_same(together, backwards.flip(0))


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize("items", [[[3, 4, 5], [6, 200, 8], [7]], [[200], [3, 4, 5, 6]], [[3, 4], [200, 5]]])
def test_what_is_not_finite_stays_in_its_own_item(plain: Callable, items: list[list[int]], broken: float) -> None:
    """Claim: NaN and infinity reach the later rows of their own item, and nothing else of the pass."""
    model = plain("gqa2")
    scorer = scorer_of(replace(model, embedding_VE=poisoned(model.embedding_VE, broken)))
    groups = [Group(Prefix(Prompt((1, 2))), [Prompt(tuple(item)) for item in items])]
    wanted = expected(model, groups)
    for item, found, want in zip(items, scorer.encode_pass(groups), wanted, strict=True):
        if 200 in item:
            assert not torch.isfinite(found).all()
        else:
            assert_same(found, want)


def test_a_broken_prefix_breaks_its_own_group(plain: Callable) -> None:
    """Claim: NaN in a prefix reaches all its items, and no other group's."""
    model = plain("gqa2")
    scorer = scorer_of(replace(model, embedding_VE=poisoned(model.embedding_VE)))
    items = [Prompt((3, 4)), Prompt((5,))]
    found = scorer.encode_pass([Group(Prefix(Prompt((9, 200, 1))), items), Group(Prefix(Prompt((1, 2))), items)])
    assert found.isfinite().all(dim=1).tolist() == [False, False, True, True]


def test_embeddings_of_ordinary_tokens_are_computed_as_the_tokens(plain: Callable) -> None:
    """Claim: a prompt given as input embeddings, in part or whole, is computed like its tokens."""
    model = plain("gqa3")

    def as_embeddings(prompt: Prompt, step: int) -> Prompt:
        places = tuple(range(0, len(prompt), step))
        vectors = tuple(tuple(model.embedding_VE[prompt.ids[place]].tolist()) for place in places)
        return Prompt(tuple(0 if place in places else token for place, token in enumerate(prompt.ids)), places, vectors)

    groups = random_groups(3, 3)
    given = [
        Group(
            Prefix(as_embeddings(group.prefix.prompt, 3)),
            [as_embeddings(item, 1 + index % 2) for index, item in enumerate(group.items)],
        )
        for group in groups
    ]
    assert_same(scorer_of(model).encode_pass(given), expected(model, groups))


def test_the_compiled_attention_reads_the_blocks_of_the_tables(plain: Callable) -> None:
    """Claim: attention that only reads the listed blocks computes the same, NaN in its place, at sizes that vary."""
    model = plain("gqa2")
    parts = AS_THEY_ARE._replace(attend_blocks=compiled().attend_blocks)
    scorer = scorer_of(replace(model, embedding_VE=poisoned(model.embedding_VE)), kernels=parts)
    for seed, num_groups in ((1, 1), (2, 3), (3, 6)):
        groups = random_groups(seed, num_groups)
        assert_same(scorer.encode_pass(groups), expected(model, groups))
    beside = Group(Prefix(Prompt((1, 2))), [Prompt((200,) * 30), Prompt((3, 4))])
    found = scorer.encode_pass([beside, *groups])
    assert found.isfinite().all(dim=1).tolist() == [False, *[True] * (len(found) - 1)]
    assert_same(found[2:], expected(model, groups))


def test_functions_compile_whole_and_at_most_thrice(plain: Callable) -> None:
    """Claim: no part falls out of the compiled functions, and sizes do not each compile them again."""
    model = plain("gqa2")
    counters = [CompileCounterWithBackend("eager") for _ in AS_THEY_ARE]
    traced = Kernels(
        *(torch.compile(part, fullgraph=True, backend=each) for part, each in zip(AS_THEY_ARE, counters, strict=True))
    )
    scorer = scorer_of(model, kernels=traced)
    for seed, num_groups in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5)):
        groups = random_groups(seed, num_groups)
        assert_same(scorer.encode_pass(groups), expected(model, groups))
    assert all(1 <= counter.frame_count <= 3 for counter in counters)


def test_the_joined_layers_share_their_memory_with_the_model(plain: Callable) -> None:
    """Claim: joining keeps one copy of the matrices."""
    model, joined = join_layers(plain("gqa2"))
    for layer, one in zip(model.layers, joined, strict=True):
        for matrix, whole in (
            (layer.query, one.query_key_value),
            (layer.key_value, one.query_key_value),
            (layer.gate, one.gate_up),
            (layer.up, one.gate_up),
            (layer.down, one.down),
            (layer.output, one.output),
        ):
            assert matrix.weight_OI.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr()


def poisoned(embedding: torch.Tensor, value: float = torch.nan) -> torch.Tensor:
    """The embedding with a token 200 that is not finite."""
    broken = embedding.clone()
    broken[200] = value
    return broken
