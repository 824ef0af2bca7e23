"""vLLM, SGLang and the local engine as `precis engine run` starts them, for tests that ask them through the clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.bundle import Bundle
from ops.engine.environments import interpreter
from ops.engine.hardware import find_hardware
from ops.engine.launch import EngineName, Wishes, describe_task
from ops.engine.process import RunningEngine, launch_for
from ops.ports import lasting_ports
from ops.settings import environment_for, load_settings

__all__ = ["CONTEXT_TOKENS", "served"]

CONTEXT_TOKENS = 1024
"""Longest prompt with its answer."""

_WISHES = Wishes(threads=1, context_tokens=CONTEXT_TOKENS)


@contextmanager
def served(engine: EngineName, bundle: Bundle, log_file: Path) -> Iterator[str]:
    """One engine on one core.

    Yields:
        Its base address.
    """
    (port,), hardware = lasting_ports(1), find_hardware()
    task = describe_task(bundle, hardware, host="127.0.0.1", port=port, wishes=_WISHES)
    python = interpreter(load_settings().engine.home, engine)
    launch = launch_for(engine, task, hardware)
    with RunningEngine(
        engine, task, launch, python=python, log_file=log_file, inherited=environment_for({})
    ) as running:
        running.start()
        yield running.url
