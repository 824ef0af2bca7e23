"""What is said of a machine."""

import os

import pytest

from ops.engine.hardware import find_hardware
from tests.unit.ops.engine.builders import H200, machine


@pytest.mark.parametrize(
    ("flags", "name", "has_bfloat16"),
    [
        ({"avx2", "avx512f", "avx512_bf16", "amx_bf16"}, "AMX", True),
        ({"avx2", "avx512f", "avx512_bf16"}, "AVX-512 with bfloat16", True),
        ({"avx2", "avx512f"}, "AVX-512", False),
        ({"avx2"}, "AVX2", False),
        ({"sse4_2"}, "older than AVX2", False),
    ],
)
def test_the_best_instruction_set_is_named(flags, name, has_bfloat16):
    """It decides how fast the CPU is, and whether bfloat16 is."""
    hardware = machine(flags=flags)
    assert (hardware.instruction_set, hardware.has_bfloat16) == (name, has_bfloat16)


def test_every_gpu_computes_in_bfloat16():
    """Whatever the processor beside it does."""
    assert machine(flags={"avx2"}, gpus=[H200]).has_bfloat16


def test_this_machine_is_read():
    """Cores that this process may use, and memory that is there."""
    found = find_hardware()
    assert set(found.cores) <= os.sched_getaffinity(0)
    assert found.cores
    assert 0 < found.available_bytes <= found.memory_bytes
    assert found.cpu_flags
