"""The engines' environments: where they are, whether they are whole, and installing them through ``ops/setup.sh``."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ops.engine.hardware import Hardware
from ops.engine.launch import Device, EngineName
from ops.settings import PROJECT_ROOT, environment_for
from schemas.errors import BackendUnavailable, ConfigurationError

__all__ = ["Environment", "device_for", "find_environments", "install", "interpreter", "is_cpu_build"]

# What ops/setup.sh calls them: the local engine runs in the base itself.
_PARTS = {EngineName.LOCAL: "engine", EngineName.VLLM: "vllm", EngineName.SGLANG: "sglang"}
_LINKS = {EngineName.LOCAL: "base", EngineName.VLLM: "vllm", EngineName.SGLANG: "sglang"}


@dataclass(frozen=True, slots=True)
class Environment:
    """One engine's environment.

    Attributes:
        engine: Whose.
        state: ``stale``: there is one, made from other locks than this checkout's, or cut off while it was made.
        folder: Where it is, or would be.
    """

    engine: EngineName
    state: Literal["complete", "stale", "missing"]
    folder: Path


def interpreter(home: Path, engine: EngineName) -> Path:
    """The Python of an engine's environment.

    Args:
        home: Directory of the environments (the setting ``engine.home``).
        engine: Whose.

    Raises:
        ConfigurationError: There is none.
    """
    python = home / _LINKS[engine] / "bin" / "python"
    if not python.exists():
        raise ConfigurationError(
            f"the environment of {engine}, {str(python.parent.parent)!r}, is missing: run `precis engine install "
            f"{engine}` (`precis engine run` takes another environment's Python too: --python)"
        )
    return python


def is_cpu_build(python: Path, engine: EngineName) -> bool:
    """Whether an environment is one that `precis engine install` makes for the CPU; the base's torch does both."""
    if engine is EngineName.LOCAL:
        return False
    packages = (python.parent.parent / "lib").glob("python3.*/site-packages/zz_base.pth")
    return any(packages)


def device_for(engine: EngineName, python: Path, hardware: Hardware) -> Device:
    """Where an engine computes unless told: on a GPU where there is one and its environment can use it."""
    return Device.CUDA if hardware.gpus and not is_cpu_build(python, engine) else Device.CPU


def find_environments(engines: Sequence[EngineName], project: Path = PROJECT_ROOT) -> tuple[Environment, ...]:
    """State of each engine's environment, by the locks of this checkout.

    Raises:
        ConfigurationError: There is no checkout, or no Python that fits.
    """
    script = _script(project)
    parts = [_PARTS[engine] for engine in engines]
    run = subprocess.run(
        [script, "state", *parts], capture_output=True, text=True, check=False, env=environment_for({})
    )
    if run.returncode:
        raise ConfigurationError(run.stderr.strip())
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    named = {part: (state, folder) for part, state, folder in rows}
    found = []
    for engine in engines:
        state, folder = named[_PARTS[engine]]
        assert state in {"complete", "stale", "missing"}
        found.append(Environment(engine, state, Path(folder)))  # type: ignore[arg-type]
    return tuple(found)


def install(engines: Sequence[EngineName], project: Path = PROJECT_ROOT) -> None:
    """Make the engines' environments; those that are complete are left alone. Progress goes to this process's output.

    Raises:
        BackendUnavailable: One could not be made; the reason stands in the output.
        ConfigurationError: There is no checkout.
    """
    parts = [_PARTS[engine] for engine in engines]
    code = subprocess.run([_script(project), *parts], check=False, env=environment_for({})).returncode
    if code:
        raise BackendUnavailable(
            f"not installed, the reason stands above: ops/setup.sh ended with {code}; run the command again, "
            "what is complete is kept",
            backend=", ".join(engines),
            operation="install",
        )


def _script(project: Path) -> Path:
    script = project / "ops" / "setup.sh"
    if not script.exists():
        raise ConfigurationError(
            f"{str(script)!r} is missing: engine environments are made from a checkout, an installed wheel has no locks"
        )
    return script
