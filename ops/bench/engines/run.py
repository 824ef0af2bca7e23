"""A whole run of `precis bench engine`: bundle, engines, rounds."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.bundle import Bundle, Role, load_bundle
from ops.bench.engines.asking import ask_in_turn
from ops.bench.engines.contenders import running, why_not
from ops.bench.engines.plan import Plan, request_of, turns
from ops.bench.engines.result import Round, result_of
from ops.bench.engines.torch_side import matmul_peak, random_ranker
from ops.bench.engines.versions import engine_versions
from ops.bench.machine import cpu_model
from ops.engine.hardware import Hardware, find_hardware
from ops.engine.launch import Wishes, describe_task
from ops.settings import LocalEngine, Settings

__all__ = ["bench_engines"]

_SHAPE = "qwen3-0.6b"
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8")


def bench_engines(
    settings: Settings, plan: Plan, *, bundle: Path | None, on_step: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the engines on the CPU, one request at a time, beside the peak of matrix multiplication.

    Args:
        settings: Where the environments are, and where logs go.
        plan: Who and how often.
        bundle: A ranker; None makes one of Qwen3-0.6B's shape with random weights.
        on_step: Told what is being done.

    Returns:
        See ``result_of``; machine and versions besides.

    Raises:
        PrecisError: An engine did not start, or did not answer.
    """
    hardware, home = find_hardware(), settings.engine.home
    left_out = why_not(plan.contenders, hardware)
    present = [who for who in plan.contenders if who not in left_out]
    threads = plan.threads or len(hardware.cores)
    for who, reason in left_out.items():
        on_step(f"{who} is left out: {reason}")
    with ExitStack() as stack:
        ranker = stack.enter_context(_ranker(settings.engine, bundle, on_step))
        shape = describe_task(ranker, hardware, host="127.0.0.1", port=1, wishes=Wishes()).shape
        on_step(f"start {', '.join(present)}")
        log_folder = settings.data_dir.resolve() / "logs"
        urls = stack.enter_context(
            running(present, ranker, hardware, threads=threads, home=home, log_folder=log_folder)
        )
        labels, rounds = ranker.manifest.label_token_ids, []
        ask_in_turn(urls, present, request_of(0, plan.cell), labels)  # kernels are chosen, facts asked
        load_before = os.getloadavg()
        for number, order in turns(present, plan.num_runs):
            answers = ask_in_turn(urls, order, request_of(number, plan.cell), labels)
            rounds.append(Round(answers, matmul_peak(settings.engine, ranker.path, plan.cell.num_rows, threads)))
            rates = (f"{who} {plan.cell.num_items / answers[who].seconds:.1f}" for who in present)
            on_step(f"run {number}, items/s: {', '.join(rates)}; peak {rounds[-1].peak_gflops:.0f} GFLOP/s")
    return {
        **result_of(rounds, plan.cell, shape.matrix_parameters, left_out),
        "cell": asdict(plan.cell),
        "bundle": {"name": ranker.manifest.name, "revision": ranker.revision},
        "cpu": _cpu(hardware, threads, load_before),
        "versions": engine_versions(home),
    }


def _cpu(hardware: Hardware, threads: int, load_before: tuple[float, float, float]) -> dict[str, Any]:
    return {
        "model": cpu_model(),
        "flags": [flag for flag in _FLAGS if flag in hardware.cpu_flags],
        "num_cores": len(hardware.cores),
        "threads": threads,
        # One engine computes at a time: above the threads, others worked on this machine meanwhile.
        "load_average_before": [round(value, 2) for value in load_before],
        "load_average_after": [round(value, 2) for value in os.getloadavg()],
    }


@contextmanager
def _ranker(settings: LocalEngine, given: Path | None, on_step: Callable[[str], None]) -> Iterator[Bundle]:
    if given is not None:
        yield load_bundle(given.resolve(), Role.RANKER)
        return
    with TemporaryDirectory(prefix="precis-bench-") as made:
        on_step(f"make a ranker of the shape {_SHAPE}, random weights (1.2 GB in {made})")
        random_ranker(settings, _SHAPE, Path(made))
        yield load_bundle(Path(made), Role.RANKER)
