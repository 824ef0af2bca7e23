"""When SGLang packs the items of a request: the rule, what rules it out, and the flags."""

import pytest

from models.bundle import Role
from ops.engine.launch import Device, Dtype, EngineName
from ops.engine.multi_item import (
    CALL_ITEMS,
    CALL_TOKENS,
    Call,
    is_clearly_cheaper,
    packs_items,
    seconds_apart,
    seconds_packed,
    sequence_tokens,
)
from ops.engine.prepare import launch_for
from ops.settings import load_settings
from schemas.errors import ConfigurationError
from serve.config import ScorerConfig
from tests.unit.ops.engine.builders import H200, large, machine, options, shipped, task

GPU = machine(gpus=[H200])
M06B, M17B, M8B = 440_000_000, 1_400_000_000, 7_000_000_000
"""Weights of the layers' matrices: 2.2, 7 and 35 microseconds a row."""


def ranker(folder, **wishes):
    """A 0.6B on a GPU."""
    return task(large(folder, Role.RANKER, weights_gib=1.2), GPU, **{"device": Device.CUDA, **wishes})


def gain(call, weights=M06B, max_tokens=8_320):
    """How much longer the items take apart than packed; below 1: packing loses."""
    return seconds_apart(call, weights) / seconds_packed(call, weights, max_tokens)


def test_the_formula_on_one_call():
    """A query of 100 and 10 items of 20 with a 0.6B: the times that the module states, by hand."""
    row, read, host = 2 * M06B / 400e12, 2 * M06B / 2.5e12, 50e-6
    call = Call(query_tokens=100, item_tokens=20, num_items=10)
    assert 120 * row < read < 180 * row
    assert seconds_apart(call, M06B) == pytest.approx(read + 180 * row + 10 * host)
    assert seconds_packed(call, M06B, 8_320) == pytest.approx(311 * row + host)
    # 184 tokens take 4 items beside the query: two sequences of 4, one of 2, none with more rows than a read takes.
    assert 2 * 185 * row > read
    assert seconds_packed(call, M06B, 185) == pytest.approx(2 * max(read, 185 * row) + max(read, 143 * row) + 3 * host)


def test_short_items_are_packed_after_any_query_that_leaves_room():
    """One pass and one sequence in place of two and many."""
    assert gain(Call(50, 5, 64)) > 3
    assert gain(Call(1_000, 5, 64)) > 1.5
    assert gain(Call(50, 160, 64)) > 1


def test_long_queries_that_leave_room_for_few_items_are_not_packed():
    """Every sequence computes the query again; a prefix cache computes it once."""
    assert gain(Call(4_000, 500, 64)) < 0.6
    assert gain(Call(4_000, 5, 64)) > 1, "its items fit into one sequence"
    gains = [gain(Call(query, 200, 64)) for query in (50, 500, 1_000, 2_000, 4_000, 8_000)]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 1 > gains[-1]


def test_the_larger_the_model_the_less_packing_gains():
    """The host's work for a sequence is the same; a row of the query or a delimiter is not."""
    gains = [gain(Call(49, 163, 64), weights) for weights in (M06B, M17B, M8B)]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 1 > gains[-1]


def test_packing_must_win_clearly():
    """The shipped limits: a 0.6B gains an eighth, a 1.7B three hundredths of what nobody has measured."""
    shipped_call = Call(49, 163, 64)
    assert is_clearly_cheaper(shipped_call, M06B, 8_320)
    assert gain(shipped_call, M17B) > 1
    assert not is_clearly_cheaper(shipped_call, M17B, 8_320)
    assert is_clearly_cheaper(Call(140, 60, 32), M17B, 8_320)


def test_one_item_gains_nothing_from_company():
    """No second pass, no second sequence: three delimiters too many."""
    assert gain(Call(500, 500, 1)) < 1


def test_an_item_that_does_not_fit_gets_a_sequence_of_its_own():
    """The server refuses it; the rule only must not divide by it."""
    assert seconds_packed(Call(500, 500, 2), M06B, 100) == pytest.approx(2 * (1_002 * 2 * M06B / 400e12 + 50e-6))


def test_a_ranker_of_the_shipped_limits_is_packed_on_a_gpu(tmp_path):
    """Query of 49 tokens, 64 items of 163: with the attention that has the mask, sequences of a whole call."""
    made = ranker(tmp_path)
    assert packs_items(made)
    launch = launch_for(EngineName.SGLANG, made, GPU)
    found = options(launch.arguments)
    assert found["--enable-mis"] is True
    assert found["--attention-backend"] == "flashinfer"
    assert int(found["--context-length"]) >= CALL_TOKENS + CALL_ITEMS + 1 + 7
    assert launch.environment["SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION"] == "0"


def test_no_multi_item_leaves_the_prefix_cache(tmp_path):
    """The way that was measured."""
    launch = launch_for(EngineName.SGLANG, ranker(tmp_path, multi_item=False), GPU)
    assert "--enable-mis" not in launch.arguments
    assert "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION" not in launch.environment


def test_multi_item_that_is_wanted_is_not_weighed(tmp_path):
    """Limits with which the rule says no."""
    bundle = large(tmp_path, Role.RANKER, weights_gib=1.2)
    limits = bundle.manifest.limits.model_copy(update={"query": 4_000, "summary": 400})
    bundle = bundle.model_copy(update={"manifest": bundle.manifest.model_copy(update={"limits": limits})})
    assert not packs_items(task(bundle, GPU, device=Device.CUDA))
    assert packs_items(task(bundle, GPU, device=Device.CUDA, multi_item=True))


@pytest.mark.parametrize(
    ("role", "wishes", "reason"),
    [
        (Role.SUMMARIZER, {}, "a summarizer"),
        (Role.RANKER, {"device": Device.CPU}, "needs a GPU"),
        (Role.RANKER, {"dtype": Dtype.FLOAT32}, "bfloat16"),
    ],
)
def test_where_it_cannot_be_had_it_is_not_chosen_and_not_promised(tmp_path, role, wishes, reason):
    """Said by hand, the reason is told before minutes of loading."""
    bundle = large(tmp_path, role, weights_gib=1.2)
    wishes = {"device": Device.CUDA, **wishes}
    assert "--enable-mis" not in launch_for(EngineName.SGLANG, task(bundle, GPU, **wishes), GPU).arguments
    with pytest.raises(ConfigurationError, match=rf"--multi-item: .*{reason}"):
        launch_for(EngineName.SGLANG, task(bundle, GPU, **wishes, multi_item=True), GPU)


def test_a_model_without_the_delimiter_is_never_packed():
    """The shipped ranker knows 4096 tokens: the server would read past its embedding."""
    wishes = {"device": Device.CUDA, "dtype": Dtype.BFLOAT16}
    assert not packs_items(task(shipped(Role.RANKER), GPU, **wishes))
    with pytest.raises(ConfigurationError, match="token 9999, the model has 4096"):
        packs_items(task(shipped(Role.RANKER), GPU, **wishes, multi_item=True))


@pytest.mark.parametrize("engine", [EngineName.VLLM, EngineName.LOCAL])
@pytest.mark.parametrize("multi_item", [True, False])
def test_other_engines_have_no_such_choice(tmp_path, engine, multi_item):
    """Neither way: what is said must not be ignored."""
    with pytest.raises(ConfigurationError, match=rf"{engine} has none"):
        launch_for(engine, ranker(tmp_path, multi_item=multi_item), GPU)


def test_a_sequence_is_bounded_by_memory_and_model(tmp_path):
    """Never below the longest prompt."""
    assert sequence_tokens(ranker(tmp_path)) == CALL_TOKENS + CALL_ITEMS + 64
    small = ranker(tmp_path, kv_mib=64)
    assert sequence_tokens(small) == small.kv_tokens < CALL_TOKENS
    assert sequence_tokens(ranker(tmp_path, kv_mib=16)) == ranker(tmp_path).context_tokens
    assert sequence_tokens(ranker(tmp_path, context_tokens=20_000)) == 20_000


def test_the_call_that_the_rule_weighs_is_the_scorers():
    """Its largest request is one sequence."""
    assert load_settings().scorer.pack_tokens == CALL_TOKENS
    assert ScorerConfig(ranker_bundle=shipped(Role.RANKER).path).pack_items == CALL_ITEMS
