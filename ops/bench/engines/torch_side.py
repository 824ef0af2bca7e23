"""What the bench has done in the engine environment, where torch is."""

import json
import subprocess
from pathlib import Path
from typing import Any

from ops.engines import module_command
from ops.settings import LocalEngine, environment_for
from schemas.errors import BackendUnavailable

__all__ = ["matmul_peak", "prefix_gain", "random_ranker"]


def matmul_peak(settings: LocalEngine, bundle: Path, num_rows: int, threads: int) -> float:
    """Fastest product of the bundle's matrices with so many rows, in bfloat16, GFLOP/s.

    Raises:
        BackendUnavailable: It could not be measured.
    """
    options = ("--bundle", str(bundle), "--threads", str(threads), "--peak-rows", str(num_rows))
    answer = json.loads(_output_of(settings, "models.engine.bench", *options))
    return float(answer["matmul_peak_gflops"])


def prefix_gain(settings: LocalEngine, bundle: Path | None, threads: int, runs: int) -> dict[str, Any]:
    """What computing a shared query once gains, by its share of the prompt; in bfloat16.

    Raises:
        BackendUnavailable: It could not be measured.
    """
    options = ["--threads", str(threads), "--runs", str(runs)]
    if bundle is not None:
        options += ["--bundle", str(bundle)]
    answer: dict[str, Any] = json.loads(_output_of(settings, "models.engine.prefix_gain", *options))
    return answer


def random_ranker(settings: LocalEngine, shape: str, folder: Path) -> None:
    """Make a ranker bundle of random weights.

    Raises:
        BackendUnavailable: It could not be made.
    """
    _output_of(settings, "models.training.random_bundle", "--shape", shape, "--role", "ranker", "--out", str(folder))


def _output_of(settings: LocalEngine, module: str, *options: str) -> str:
    command = module_command(settings, module, *options)
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment_for({}))
    if run.returncode:
        end = run.stderr.strip()[-500:]
        raise BackendUnavailable(f"{module} ended with {run.returncode}: {end}", backend="torch", operation="bench")
    return run.stdout
