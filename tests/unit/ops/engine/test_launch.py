"""What is chosen where nothing was said: precision, context, memory."""

import json

import pytest

from models.bundle import Role
from ops.engine.launch import Device, Dtype
from schemas.errors import ConfigurationError
from tests.unit.ops.engine.builders import H200, large, machine, shipped, task


def test_a_small_model_is_served_in_float32_as_it_was_measured():
    """Its canaries then hold to 1e-4, whatever the hardware would be faster in."""
    assert task(shipped(Role.RANKER), machine()).dtype is Dtype.FLOAT32
    assert task(shipped(Role.RANKER), machine(gpus=[H200]), device=Device.CUDA).dtype is Dtype.FLOAT32


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ({"avx2", "avx512f", "amx_bf16"}, Dtype.BFLOAT16),
        ({"avx2", "avx512f", "avx512_bf16"}, Dtype.BFLOAT16),
        ({"avx2", "avx512f"}, Dtype.FLOAT32),
    ],
)
def test_a_large_model_is_served_in_bfloat16_where_the_processor_computes_in_it(tmp_path, flags, dtype):
    """Elsewhere bfloat16 is stored small and computed slowly."""
    assert task(large(tmp_path, Role.RANKER, weights_gib=1.2), machine(flags=flags)).dtype is dtype


def test_what_was_said_wins(tmp_path):
    """Every choice can be made by hand."""
    bundle = large(tmp_path, Role.RANKER, weights_gib=1.2)
    made = task(bundle, machine(), dtype=Dtype.FLOAT32, threads=3, context_tokens=5000, kv_mib=700)
    assert (made.dtype, made.threads, made.context_tokens, made.kv_bytes) == (Dtype.FLOAT32, 3, 5000, 700 << 20)


@pytest.mark.parametrize("role", list(Role))
def test_the_context_holds_every_prompt_of_the_bundles_canaries_with_its_answer(role):
    """It follows from the bundle's limits: a prompt that this project renders is never refused."""
    bundle = shipped(role)
    limits = bundle.manifest.limits
    context = task(bundle, machine()).context_tokens
    if role is Role.SUMMARIZER:
        assert context >= 2 + limits.body + limits.summary
    else:
        assert context >= 4 + limits.query + limits.header + limits.summary + 1
    assert context < 1.2 * (limits.body + limits.summary)


def test_the_context_is_at_most_the_models(tmp_path):
    """More would be answered with noise."""
    with pytest.raises(ConfigurationError, match=r"50000 tokens.*40960"):
        task(large(tmp_path, Role.RANKER, weights_gib=1.2), machine(), context_tokens=50_000)


def test_keys_and_values_take_what_the_sequences_need_and_leave_memory_to_others(tmp_path):
    """32 sequences on a CPU where there is room; less than half of what is left where there is not."""
    bundle = large(tmp_path, Role.SUMMARIZER, weights_gib=1.2)
    roomy = task(bundle, machine(memory_gib=64))
    assert roomy.kv_tokens == 32 * roomy.context_tokens
    tight = task(bundle, machine(memory_gib=6))
    assert 256 << 20 < tight.kv_bytes < (6 << 30) // 2
    assert task(bundle, machine(memory_gib=2)).kv_bytes >= 256 << 20


def test_weights_that_do_not_fit_are_refused_with_what_to_do(tmp_path):
    """Before minutes of loading end in a killed process."""
    with pytest.raises(ConfigurationError, match=r"6\.4 GB in float32, 4\.3 GB of memory.*bfloat16"):
        task(large(tmp_path, Role.SUMMARIZER, weights_gib=3), machine(memory_gib=4), dtype=Dtype.FLOAT32)


def test_a_gpu_that_is_not_there_is_refused():
    """The engine's own message comes minutes later."""
    with pytest.raises(ConfigurationError, match="no GPU"):
        task(shipped(Role.RANKER), machine(), device=Device.CUDA)


def test_another_architecture_is_refused(tmp_path):
    """The message names the file."""
    bundle = large(tmp_path, Role.RANKER, weights_gib=0.1)
    config = json.loads((tmp_path / "config.json").read_bytes()) | {"model_type": "mistral"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match=r"config\.json.*mistral"):
        task(bundle, machine())
