"""Layer by layer on a small model: what is read, and that the refit makes up for what is lost."""

import copy

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from models.training.architecture import Shape, build_model
from models.training.batches import Batch, padded
from models.training.examples import Example
from models.training.pruning.distillation import distillation_loss
from models.training.pruning.methods import MethodName
from models.training.pruning.problem import Problem
from models.training.pruning.pruned import Settings, Target, last_layers, prune, shape_of
from models.training.pruning.walk import Part, prune_layers
from schemas.errors import ConfigurationError
from tests.engine.training.pruning.llamas import build_llama

SMALL = Shape(hidden=32, layers=3, heads=4, kv_heads=2, head_dim=8, mlp=48)
PROMPTS = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 3], [11, 12], [13, 5, 14, 6, 15]]


@pytest.fixture(params=[build_model, build_llama])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    return request.param(SMALL, 64, seed=1).eval()


@pytest.fixture
def batches() -> list[Batch]:
    """Padded unequally: the short ones of a batch must not count their padding."""
    rng = np.random.default_rng(0)
    more = [rng.integers(2, 64, size=rng.integers(2, 12)).tolist() for _ in range(28)]
    prompts = [Example(prompt) for prompt in PROMPTS + more]
    return [padded(prompts[:2]), padded(prompts[2:])]


def hidden(model: PreTrainedModel, prompt: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return model.model(input_ids=torch.tensor([prompt]), use_cache=False).last_hidden_state


@pytest.mark.parametrize(("part", "projection"), [(Part.NEURONS, "mlp.down_proj"), (Part.KV_HEADS, "self_attn.o_proj")])
def test_the_gram_matrix_is_that_of_each_prompt_read_alone(
    model: PreTrainedModel, batches: list[Batch], part: Part, projection: str
) -> None:
    """No padding in it, and of every layer what the layers before it give once they are pruned."""
    problems: list[Problem] = []

    def keep_half(layer: int, part: Part, problem: Problem) -> np.ndarray:
        problems.append(problem)
        return np.arange(problem.num_groups // 2)

    pruned, read = copy.deepcopy(model), []
    prune_layers(pruned, batches, [part], keep_half, is_refitted=True, ridge=0.0)
    # Layers before the last one as pruned, the last one whole: what its projection then reads, prompt by prompt.
    pruned.model.layers[2] = model.model.layers[2]
    hook = (
        model.model.layers[2]
        .get_submodule(projection)
        .register_forward_pre_hook(lambda _, arguments: read.append(arguments[0][0]))
    )
    for batch in batches:
        for ids, last in zip(batch.ids, batch.last, strict=True):
            hidden(pruned, ids[: last + 1].tolist())
    hook.remove()
    inputs = torch.cat(read).double().numpy()
    assert problems[2].hessian == pytest.approx(inputs.T @ inputs, rel=1e-4, abs=1e-6)


def test_dead_neurons_and_copies_go_for_nothing(model: PreTrainedModel, batches: list[Batch]) -> None:
    """A third of each MLP is dead, a third repeats the rest: OSSCAR halves it and more, and every answer stays."""
    for layer in model.model.layers:
        mlp = layer.mlp
        mlp.down_proj.weight.data[:, 16:32] = 0
        for weight in (mlp.gate_proj.weight.data, mlp.up_proj.weight.data):
            weight[32:] = weight[:16]
    before = [hidden(model, prompt) for prompt in PROMPTS]
    kept = prune(model, Target(mlp_keep=1 / 3, settings=Settings(granularity=16, ridge=1e-9)), batches)
    assert shape_of(model).neurons == 16
    assert max(entry.neurons_loss for entry in kept) < 1e-6
    for prompt, expected in zip(PROMPTS, before, strict=True):
        assert torch.allclose(hidden(model, prompt), expected, atol=1e-3)


def test_on_a_model_osscar_loses_less_than_every_other_method(model: PreTrainedModel, batches: list[Batch]) -> None:
    """In the first layer, where all of them read the same inputs."""
    losses = {}
    for method in MethodName:
        copied = copy.deepcopy(model)
        target = Target(method, mlp_keep=0.5, settings=Settings(granularity=8))
        losses[method] = prune(copied, target, batches)[0].neurons_loss
    others = min(loss for method, loss in losses.items() if not method.startswith("osscar"))
    assert losses[MethodName.OSSCAR] <= losses[MethodName.OSSCAR_GREEDY] < others


def test_heads_neurons_and_layers_go_together(model: PreTrainedModel, batches: list[Batch]) -> None:
    """The plan names layers as they were numbered in the whole model; what remains can be trained."""
    target = Target(mlp_keep=0.5, kv_heads_keep=0.5, dropped_layers=(1,), settings=Settings(granularity=8))
    kept = prune(model, target, batches)
    assert [entry.layer for entry in kept] == [0, 2]
    assert {(len(entry.kept_neurons), len(entry.kept_kv_heads)) for entry in kept} == {(24, 1)}
    shape = shape_of(model)
    assert (shape.layers, shape.neurons, shape.kv_heads) == (2, 24, 1)
    model(input_ids=torch.tensor([PROMPTS[1]]), labels=torch.tensor([PROMPTS[1]])).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target(), "nothing would be pruned"),
        (Target(dropped_layers=(3,)), r"layers \[3\] cannot be dropped: this model has 0 to 2"),
        (Target(dropped_layers=(0, 1, 2)), "all 3 layers would be dropped"),
        (Target(kv_heads_keep=0.1), "rounds to none"),
        (Target(mlp_keep=2.0), "above 0, at most 1"),
    ],
)
def test_impossible_targets_are_refused(
    model: PreTrainedModel, batches: list[Batch], target: Target, said: str
) -> None:
    """Before anything is computed."""
    with pytest.raises(ConfigurationError, match=said):
        prune(model, target, batches)


def test_a_broken_model_is_named_by_its_layer(model: PreTrainedModel, batches: list[Batch]) -> None:
    """Not a number in the second layer: no plan comes of it."""
    model.model.layers[1].mlp.up_proj.weight.data[0, 0] = float("nan")
    with pytest.raises(ConfigurationError, match=r"layer 1, neurons: .*not numbers"):
        prune(model, Target(mlp_keep=0.5, settings=Settings(granularity=8)), batches)


def test_the_last_layers_are_counted_from_the_end() -> None:
    """At least one stays."""
    assert last_layers(2, 5) == (3, 4)
    assert last_layers(0, 5) == ()
    with pytest.raises(ConfigurationError, match="give 0 to 4"):
        last_layers(5, 5)


def test_distillation_loss_equals_the_formula() -> None:
    """KL(teacher || student) by hand, zero where both agree, gradient to the student alone."""
    student = torch.tensor([[1.0, 0.0], [0.3, 0.3]], requires_grad=True)
    teacher = torch.tensor([[0.0, 2.0], [1.3, 1.3]])
    losses = distillation_loss(student, teacher)
    p, q = teacher.softmax(1), student.detach().softmax(1)
    assert losses.tolist() == pytest.approx((p * (p / q).log()).sum(1).tolist(), abs=1e-6)
    assert abs(losses[1].item()) < 1e-7
    losses.sum().backward()
    assert student.grad is not None
