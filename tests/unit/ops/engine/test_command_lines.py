"""The command line of each engine, from hardware, role and bundle."""

import pytest

from models.bundle import Role
from ops.engine.launch import Device, Dtype, EngineName
from ops.engine.prepare import launch_for
from tests.unit.ops.engine.builders import H200, large, machine, options, shipped, task


@pytest.mark.parametrize("engine", list(EngineName))
@pytest.mark.parametrize("role", list(Role))
def test_every_engine_is_given_address_bundle_precision_and_context(engine, role):
    """Whatever each calls them; the precision is always said, since no two engines guess alike."""
    bundle = shipped(role)
    made = task(bundle, machine(), context_tokens=777, dtype=Dtype.BFLOAT16)
    words = launch_for(engine, made, machine()).arguments
    assert {str(bundle.path), "127.0.0.1", "8100", "777", "bfloat16"} <= set(words)


@pytest.mark.parametrize("engine", [EngineName.VLLM, EngineName.SGLANG])
def test_the_served_name_tells_the_weights_apart(engine):
    """Clients learn from `/v1/models` which revision answers; a restart with other weights must show."""
    bundle = shipped(Role.RANKER)
    words = launch_for(engine, task(bundle, machine()), machine()).arguments
    assert options(words)["--served-model-name"] == bundle.revision


def test_vllm_on_the_cpu_is_bound_to_all_cores_and_compiles_nothing():
    """All cores are its own: its threads stay where they are."""
    launch = launch_for(EngineName.VLLM, task(shipped(Role.SUMMARIZER), machine(cores=4)), machine(cores=4))
    assert launch.environment["VLLM_CPU_OMP_THREADS_BIND"] == "0,1,2,3"
    assert launch.environment["OMP_NUM_THREADS"] == "4"
    assert "--enforce-eager" in launch.arguments
    assert "--enable-prefix-caching" in launch.arguments


def test_vllm_with_some_of_the_cores_is_bound_to_none():
    """Two engines beside each other would be bound to the same first cores."""
    launch = launch_for(EngineName.VLLM, task(shipped(Role.SUMMARIZER), machine(), threads=2), machine())
    assert launch.environment["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    assert launch.environment["OMP_NUM_THREADS"] == "2"


def test_vllm_takes_larger_steps_for_a_ranker_and_never_less_than_a_prompt():
    """A ranker's calls are many short prompts."""

    def step(role, **wishes):
        words = launch_for(EngineName.VLLM, task(shipped(role), machine(), **wishes), machine()).arguments
        return int(options(words)["--max-num-batched-tokens"])

    assert step(Role.RANKER) > step(Role.SUMMARIZER)
    assert step(Role.SUMMARIZER, context_tokens=2048) >= 2048


def test_vllm_on_a_gpu_leaves_cores_and_compilation_to_itself(tmp_path):
    """No CPU setting reaches it; memory is bounded, so that a second engine fits beside it."""
    hardware = machine(gpus=[H200])
    made = task(large(tmp_path, Role.SUMMARIZER, weights_gib=3.4), hardware, device=Device.CUDA)
    launch = launch_for(EngineName.VLLM, made, hardware)
    assert "--enforce-eager" not in launch.arguments
    assert not [name for name in launch.environment if "OMP" in name or "CPU" in name]
    assert int(options(launch.arguments)["--kv-cache-memory-bytes"]) < 0.5 * H200.memory_bytes
    assert int(options(launch.arguments)["--max-num-seqs"]) == 256


def test_sglang_on_the_cpu_computes_in_torch_and_sleeps_when_idle():
    """Also on a processor with AMX: its kernels for that have no build in a registry."""
    launch = launch_for(EngineName.SGLANG, task(shipped(Role.RANKER), machine()), machine())
    found = options(launch.arguments)
    assert found["--attention-backend"] == "torch_native"
    assert found["--device"] == "cpu"
    assert found["--sleep-on-idle"] is True
    assert launch.environment["SGLANG_USE_CPU_ENGINE"] == "1"
    assert launch.environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_sglang_on_a_gpu_chooses_its_own_kernels(tmp_path):
    """Nothing of the CPU's is set; with multi-item scoring it has no choice (test_multi_item.py)."""
    hardware = machine(gpus=[H200])
    made = task(large(tmp_path, Role.RANKER, weights_gib=1.2), hardware, device=Device.CUDA, multi_item=False)
    launch = launch_for(EngineName.SGLANG, made, hardware)
    found = options(launch.arguments)
    assert found["--device"] == "cuda"
    assert not {"--attention-backend", "--mem-fraction-static"} & found.keys()
    assert "SGLANG_USE_CPU_ENGINE" not in launch.environment


def test_sglang_is_told_how_many_tokens_to_keep():
    """Left out it takes a share of all memory."""
    made = task(shipped(Role.RANKER), machine(), kv_mib=64)
    words = launch_for(EngineName.SGLANG, made, machine()).arguments
    # 4 layers, keys and values, 2 heads of 64 numbers, 4 bytes each.
    assert int(options(words)["--max-total-tokens"]) == (64 << 20) // (4 * 2 * 2 * 64 * 4)


@pytest.mark.parametrize("engine", [EngineName.VLLM, EngineName.SGLANG])
def test_nothing_is_downloaded(engine):
    """Weights come from the bundle; an engine that looks for more fails instead of waiting for a network."""
    assert launch_for(engine, task(shipped(Role.RANKER), machine()), machine()).environment["HF_HUB_OFFLINE"] == "1"
