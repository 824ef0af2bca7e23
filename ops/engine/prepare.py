"""From an engine's name and a bundle to what is started: environment, task, command line. Starts nothing."""

from dataclasses import dataclass, replace
from pathlib import Path

from models.bundle import Bundle
from ops.engine.environments import device_for, interpreter
from ops.engine.hardware import Hardware
from ops.engine.launch import EngineName, Launch, Task, Wishes, describe_task
from ops.engine.local import local_launch
from ops.engine.sglang import sglang_launch
from ops.engine.vllm import vllm_launch
from schemas.errors import ConfigurationError

__all__ = ["Prepared", "launch_for", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An engine that can be started.

    Attributes:
        engine: Which.
        python: Of its environment.
        task: What it serves.
        launch: How it is started.
    """

    engine: EngineName
    python: Path
    task: Task
    launch: Launch


def prepare(
    engine: EngineName,
    bundle: Bundle,
    hardware: Hardware,
    *,
    home: Path,
    host: str,
    port: int,
    wishes: Wishes,
    python: Path | None = None,
) -> Prepared:
    """Choose what was not said, as `precis engine run` does.

    Args:
        engine: Which.
        bundle: What it loads.
        hardware: Of this machine.
        home: Directory of the environments (the setting ``engine.home``).
        host: Address to listen on.
        port: Port to listen on, above 0.
        wishes: What was said.
        python: Of another environment than the one below ``home``.

    Raises:
        ConfigurationError: There is no environment, or the bundle does not fit (``describe_task``, ``launch_for``).
    """
    python = (python or interpreter(home, engine)).absolute()
    wishes = replace(wishes, device=wishes.device or device_for(engine, python, hardware))
    task = describe_task(bundle, hardware, host=host, port=port, wishes=wishes)
    return Prepared(engine, python, task, launch_for(engine, task, hardware))


def launch_for(engine: EngineName, task: Task, hardware: Hardware) -> Launch:
    """Command line and environment of an engine. Pure.

    Raises:
        ConfigurationError: The task wants what the engine does not have.
    """
    if task.multi_item is not None and engine is not EngineName.SGLANG:
        raise ConfigurationError(f"--multi-item is a way of SGLang's; {engine} has none to choose: leave it out")
    match engine:
        case EngineName.VLLM:
            return vllm_launch(task, hardware)
        case EngineName.SGLANG:
            return sglang_launch(task)
        case EngineName.LOCAL:
            return local_launch(task)
