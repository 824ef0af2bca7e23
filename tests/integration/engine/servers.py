"""vLLM, SGLang and the local engine as `precis engine run` starts them, for tests that ask them through the clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.bundle import Bundle
from ops.engine.hardware import find_hardware
from ops.engine.launch import Device, EngineName, Wishes
from ops.engine.prepare import prepare
from ops.engine.process import RunningEngine
from ops.ports import lasting_ports
from ops.settings import environment_for, load_settings

__all__ = ["CONTEXT_TOKENS", "served"]

CONTEXT_TOKENS = 1024
"""Longest prompt with its answer."""

_WISHES = Wishes(device=Device.CPU, threads=1, context_tokens=CONTEXT_TOKENS)


@contextmanager
def served(engine: EngineName, bundle: Bundle, log_file: Path) -> Iterator[str]:
    """One engine on one core.

    Yields:
        Its base address.
    """
    (port,), home = lasting_ports(1), load_settings().engine.home
    prepared = prepare(engine, bundle, find_hardware(), home=home, host="127.0.0.1", port=port, wishes=_WISHES)
    with RunningEngine(prepared, log_file=log_file, inherited=environment_for({})) as running:
        running.start()
        yield running.url
