"""What this machine has that decides how an engine is started: cores, instruction sets, memory, GPUs."""

import math
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Gpu", "Hardware", "find_hardware"]

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA GPU."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """What an engine may use.

    Attributes:
        cores: Ids of the CPUs this process may run on, fewer where the container has a smaller quota.
        cpu_flags: As the kernel names them.
        memory_bytes: Of the machine, or the container's limit.
        available_bytes: Of it, what could be taken now.
        gpus: NVIDIA GPUs that the driver answers for.
    """

    cores: tuple[int, ...]
    cpu_flags: frozenset[str]
    memory_bytes: int
    available_bytes: int
    gpus: tuple[Gpu, ...] = ()

    @property
    def instruction_set(self) -> str:
        """The best one that matters for matrix multiplication."""
        ranking = {
            "amx_bf16": "AMX",
            "avx512_bf16": "AVX-512 with bfloat16",
            "avx512f": "AVX-512",
            "avx2": "AVX2",
        }
        return next((name for flag, name in ranking.items() if flag in self.cpu_flags), "older than AVX2")

    @property
    def has_bfloat16(self) -> bool:
        """Whether bfloat16 is faster than float32 here: in hardware, not only in storage."""
        return bool(self.gpus) or bool({"amx_bf16", "avx512_bf16"} & self.cpu_flags)


def find_hardware() -> Hardware:
    """Look at this machine. Takes milliseconds, or as long as ``nvidia-smi``."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    memory = _meminfo()
    limit = _cgroup_memory_limit()
    total = memory.get("MemTotal", 0)
    return Hardware(
        cores=cores[: _cgroup_core_limit() or len(cores)],
        cpu_flags=_cpu_flags(),
        memory_bytes=min(total, limit) if limit else total,
        available_bytes=min(memory.get("MemAvailable", total), limit or total),
        gpus=_gpus(),
    )


def _cpu_flags() -> frozenset[str]:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in {"flags", "Features"}:  # x86, ARM
                return frozenset(value.split())
    return frozenset()


def _meminfo() -> Mapping[str, int]:
    with suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return {}


def _cgroup_memory_limit() -> int | None:
    with suppress(OSError, ValueError):
        return int((_CGROUP / "memory.max").read_text(encoding="ascii"))  # "max": no limit
    return None


def _cgroup_core_limit() -> int | None:
    with suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
        return max(1, math.ceil(int(quota) / int(period)))
    return None


def _gpus() -> tuple[Gpu, ...]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout
        rows = (line.rsplit(",", 1) for line in answer.splitlines() if line.strip())
        return tuple(Gpu(name.strip(), int(mebibytes) << 20) for name, mebibytes in rows)
    return ()
