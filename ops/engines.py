"""How the local engine is started: another Python, in the environment that holds torch, on this project's code."""

from pathlib import Path

from models.bundle import Role
from ops.settings import PROJECT_ROOT, LocalEngine
from schemas.errors import ConfigurationError

__all__ = ["engine_python", "local_engine_command", "module_arguments", "module_command"]

# The project's root goes to the END of the path: the engine environment's own packages win over same-named ones there.
_LAUNCHER = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); module = sys.argv.pop(1); "
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


# What makes an environment that holds torch.
_MADE_BY = {"base": "make setup", "training": "make setup-training"}


def engine_python(settings: LocalEngine, environment: str = "base") -> Path:
    """The interpreter of an environment that holds torch.

    Args:
        settings: Where the environments are.
        environment: ``base``, for the engine; ``training``, which lies over it and has TRL and plots.

    Raises:
        ConfigurationError: There is none.
    """
    python = settings.home / environment / "bin" / "python"
    if not python.exists():
        raise ConfigurationError(
            f"engine environment {str(settings.home / environment)!r} is missing: "
            f"run `{_MADE_BY[environment]}`, or set engine.home"
        )
    return python


def module_arguments(module: str, *arguments: str) -> list[str]:
    """Arguments for the engine environment's Python that run one of this project's modules."""
    return ["-c", _LAUNCHER, str(PROJECT_ROOT), module, *arguments]


def module_command(settings: LocalEngine, module: str, *arguments: str, environment: str = "base") -> list[str]:
    """Command line that runs one of this project's modules in an environment that holds torch.

    Raises:
        ConfigurationError: There is no such environment.
    """
    return [str(engine_python(settings, environment)), *module_arguments(module, *arguments)]


def local_engine_command(
    settings: LocalEngine, *, bundle: Path, role: Role, host: str, port: int, dtype: str = "float32"
) -> list[str]:
    """Command line of one local engine, for a bundle that was looked at.

    Raises:
        ConfigurationError: The environment is missing.
    """
    arguments = ["--bundle", str(bundle), "--role", role, "--host", host, "--port", str(port), "--dtype", dtype]
    return module_command(settings, "models.engine", *arguments, "--threads", str(settings.num_threads))
