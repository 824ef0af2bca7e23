"""What the engines need and what this machine has of it, with the remedy for what is missing."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console

from ops.engine.environments import Environment, find_environments
from ops.engine.hardware import Hardware, find_hardware
from ops.engine.launch import EngineName
from ops.settings import environment_cache

__all__ = ["Finding", "Findings", "examine", "findings_for", "print_findings"]

Level = Literal["ok", "note", "missing"]
_INSTALL_FREE_GB = {EngineName.LOCAL: 9, EngineName.VLLM: 2, EngineName.SGLANG: 2}  # as ops/setup.sh asks
_LEAST_MEMORY_GB = {EngineName.LOCAL: 1, EngineName.VLLM: 3, EngineName.SGLANG: 3}  # with the tiny bundles
_MARKS = {"ok": "[green]ok     [/]", "note": "[yellow]note   [/]", "missing": "[bold red]missing[/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        subject: An engine's name, or ``machine``.
        what: The thing.
        level: ``missing`` fails; ``note`` costs speed or may matter later.
        detail: What was found.
        remedy: What to do; empty where nothing is to be done.
    """

    subject: str
    what: str
    level: Level
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """All of them."""

    items: tuple[Finding, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing that was asked for is missing."""
        return all(item.level != "missing" for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"ok": self.is_ok, "findings": [asdict(item) for item in self.items]}


def examine(engines: Sequence[EngineName]) -> Findings:
    """Look at this machine for the engines asked for.

    Raises:
        ConfigurationError: There is no checkout, or no Python that fits.
    """
    cache = environment_cache()
    existing = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    return findings_for(
        find_environments(engines),
        find_hardware(),
        free_gb=shutil.disk_usage(existing).free / 1e9,
        python=sys.version_info[:2],
    )


def findings_for(
    environments: Sequence[Environment], hardware: Hardware, *, free_gb: float, python: tuple[int, int]
) -> Findings:
    """What the facts mean. Pure."""
    items = _machine(hardware, python)
    for environment in environments:
        items += _environment(environment, free_gb)
        items += _fit(environment.engine, hardware)
    return Findings(tuple(items))


def _machine(hardware: Hardware, python: tuple[int, int]) -> list[Finding]:
    version = f"{python[0]}.{python[1]}"
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8") if flag in hardware.cpu_flags]
    slow = (
        "" if hardware.has_bfloat16 else "expect bfloat16 to be slower than float32 here; a processor with AMX has both"
    )
    gpus = ", ".join(f"{gpu.name} ({gpu.memory_bytes / 1e9:.0f} GB)" for gpu in hardware.gpus)
    return [
        Finding("machine", "python", "ok", f"{version}; engines run on 3.11 to 3.13, tested with 3.11"),
        Finding(
            "machine",
            "processor",
            "ok" if hardware.has_bfloat16 else "note",
            f"{len(hardware.cores)} cores, {hardware.instruction_set} ({', '.join(flags) or 'no vector flags known'})",
            slow,
        ),
        Finding(
            "machine",
            "memory",
            "ok",
            f"{hardware.available_bytes / 1e9:.1f} GB available of {hardware.memory_bytes / 1e9:.1f} GB",
        ),
        Finding("machine", "cuda", "ok" if gpus else "note", gpus or "no NVIDIA GPU: engines compute on the CPU"),
    ]


def _environment(environment: Environment, free_gb: float) -> list[Finding]:
    engine, folder = environment.engine, str(environment.folder)
    command = f"precis engine install {engine}"
    if environment.state == "complete":
        return [Finding(engine, "environment", "ok", folder)]
    what = (
        f"is not there ({folder})"
        if environment.state == "missing"
        else f"was made from other locks than this checkout's, or cut off; {folder} is needed"
    )
    items = [Finding(engine, "environment", "missing", what, command)]
    needed = _INSTALL_FREE_GB[engine]
    if free_gb < needed:
        remedy = "free some, or set PRECIS_ENV_CACHE to a folder with room"
        items.append(Finding(engine, "disk", "missing", f"{free_gb:.0f} GB free, installing takes {needed} GB", remedy))
    return items


def _fit(engine: EngineName, hardware: Hardware) -> list[Finding]:
    items = []
    needed = _LEAST_MEMORY_GB[engine]
    if hardware.available_bytes < needed * 1e9:
        detail = f"{hardware.available_bytes / 1e9:.1f} GB available, about {needed} GB are needed for a tiny bundle"
        items.append(Finding(engine, "memory", "missing", detail, "stop something that uses memory"))
    if engine is EngineName.VLLM and not {"avx2", "asimd"} & hardware.cpu_flags:
        detail = "its CPU kernels need AVX2 at least"
        items.append(Finding(engine, "processor", "missing", detail, "use the local engine here"))
    if engine is EngineName.SGLANG and "amx_bf16" in hardware.cpu_flags:
        detail = "this processor has AMX, but SGLang's kernels for it have no build in a registry: PyTorch computes"
        items.append(Finding(engine, "kernels", "note", detail))
    if engine is not EngineName.LOCAL and hardware.gpus:
        detail = "there is a GPU, and the environment holds the CPU build"
        remedy = "name the Python of an environment with the GPU build: precis engine run --python"
        items.append(Finding(engine, "cuda", "note", detail, remedy))
    return items


def print_findings(findings: Findings) -> None:
    """A line each, for people."""
    console = Console(soft_wrap=True, highlight=False)
    for item in findings.items:
        console.print(f"{_MARKS[item.level]} {item.subject:8} {item.what:12} ", end="")
        console.print(item.detail, markup=False)
        if item.remedy:
            console.print(f"{'':30} remedy: {item.remedy}", markup=False)
