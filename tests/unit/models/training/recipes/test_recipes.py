import pytest

from models.training.recipes.arithmetic import Sizes, hours_of, memory_of
from models.training.recipes.recipe import Hardware, Pruning, Reinforcement, Training, load_recipe, recipe_names
from schemas.errors import ConfigurationError

SIZES = Sizes(layers=28, hidden=1024, heads=16, kv_heads=8, head_dim=128, mlp=3072, vocabulary=151_936)
"""Qwen3-0.6B."""
HARDWARE = Hardware(gpus=2, memory_gb=80, bf16_tflops=1000, fp64_tflops=50, utilisation=0.5, micro_batch_tokens=1024)


def test_every_recipe_is_read() -> None:
    """Both of the paper's models."""
    assert recipe_names() == ["qwen3-0.6b-ranker", "qwen3-1.7b-summarizer"]
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_an_unknown_recipe_names_those_there_are() -> None:
    """The remedy is in the message."""
    with pytest.raises(ConfigurationError, match=r"no recipe '\.\./x': there are qwen3-0.6b-ranker, qwen3-1.7b"):
        load_recipe("../x")


def test_parameters_of_qwen3_are_counted_as_published() -> None:
    """155.6M of embedding and 28 layers of 6.29M attention and 9.44M MLP; half the MLP and 20 layers leave 375.8M."""
    assert SIZES.embedding == 155_582_464
    assert SIZES.layer_matrices == 6_291_456 + 9_437_184
    assert SIZES.parameters == 596_049_920
    pruned = Sizes(layers=20, hidden=1024, heads=16, kv_heads=8, head_dim=128, mlp=1536, vocabulary=151_936)
    assert pruned.parameters == 375_830_528
    assert pruned.matrices / SIZES.matrices == pytest.approx(0.5)


def test_reading_takes_two_operations_a_weight_and_attention_over_half_the_sequence() -> None:
    """By hand for one token of a long sequence."""
    assert SIZES.forward(1, 1000) == 2 * 440_401_920 + 4 * 28 * 2048 * 500


def test_states_shrink_with_the_number_of_gpus_and_activations_do_not() -> None:
    """Weights and gradients in float32, one state a matrix and two of the rest."""
    one, eight = (memory_of(SIZES, gpus, 1024) for gpus in (1, 8))
    assert one.states == 4 * (2 * 596_049_920 + 440_401_920 + 2 * (596_049_920 - 440_401_920))
    assert eight.states == one.states // 8
    assert (eight.gathered, eight.activations) == (one.gathered, one.activations)
    assert one.total == one.states + one.gathered + one.activations
    assert memory_of(SIZES, 8, 1024, SIZES).total == eight.total + 4 * 596_049_920


def test_hours_of_training_count_backward_recomputation_and_teacher() -> None:
    """Eight operations a weight instead of two, at half the peak of two GPUs."""
    stage = Training(kind="training", name="sft", examples=1000, tokens_an_example=500)
    read = SIZES.forward(500_000, 500)
    assert hours_of(stage, SIZES, SIZES, HARDWARE) == pytest.approx(4 * read / 1e15 / 3600)
    taught = stage.model_copy(update={"has_teacher": True})
    assert hours_of(taught, SIZES, SIZES, HARDWARE) == pytest.approx(5 * read / 1e15 / 3600)


def test_hours_of_pruning_count_two_readings_and_the_gram_matrices() -> None:
    """X'X in float64 at the peak of both GPUs."""
    stage = Pruning(
        kind="pruning", name="p", examples=10, tokens_an_example=100, mlp_keep=0.5, drop_layers=8, parameters_after=1
    )
    gram = 2 * 1000 * 28 * 3072**2 / 100e12
    assert hours_of(stage, SIZES, SIZES, HARDWARE) == pytest.approx((2 * SIZES.forward(1000, 100) / 1e15 + gram) / 3600)


def test_hours_of_reinforcement_are_those_of_rollouts_where_nothing_else_counts() -> None:
    """Eight answers of fifty tokens a body, at the stated rate of both GPUs."""
    stage = Reinforcement(
        kind="reinforcement",
        name="gspo",
        examples=100,
        group=8,
        tokens_an_example=1,
        tokens_an_answer=50,
        queries_an_answer=1,
        rollout_tokens_a_second=10,
        ranker_parameters=1,
    )
    assert hours_of(stage, SIZES, SIZES, HARDWARE) == pytest.approx(100 * 8 * 50 / 20 / 3600, rel=1e-3)
