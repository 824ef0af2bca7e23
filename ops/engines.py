"""How the local engine is started: another Python, in the environment that holds torch, on this project's code."""

from pathlib import Path

from models.bundle import Role, load_bundle
from ops.settings import PROJECT_ROOT, LocalEngine
from schemas.errors import ConfigurationError

__all__ = ["engine_python", "local_engine_command", "module_arguments", "module_command"]

# The project's root goes to the END of the path: the engine environment's own packages win over same-named ones there.
_LAUNCHER = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); module = sys.argv.pop(1); "
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


def engine_python(settings: LocalEngine) -> Path:
    """The interpreter of the engine environment.

    Raises:
        ConfigurationError: There is none.
    """
    python = settings.home / "base" / "bin" / "python"
    if not python.exists():
        raise ConfigurationError(
            f"engine environment {str(settings.home / 'base')!r} is missing: run `make setup`, or set engine.home"
        )
    return python


def module_arguments(module: str, *arguments: str) -> list[str]:
    """Arguments for the engine environment's Python that run one of this project's modules."""
    return ["-c", _LAUNCHER, str(PROJECT_ROOT), module, *arguments]


def module_command(settings: LocalEngine, module: str, *arguments: str) -> list[str]:
    """Command line that runs one of this project's modules in the engine environment.

    Raises:
        ConfigurationError: There is no such environment.
    """
    return [str(engine_python(settings)), *module_arguments(module, *arguments)]


def local_engine_command(
    settings: LocalEngine, *, bundle: Path, role: Role, host: str, port: int, dtype: str = "float32"
) -> list[str]:
    """Command line of one local engine.

    Raises:
        ConfigurationError: The environment or the bundle is missing, or the bundle has another role.
    """
    load_bundle(bundle, role)
    arguments = ["--bundle", str(bundle), "--role", role, "--host", host, "--port", str(port), "--dtype", dtype]
    return module_command(settings, "models.engine", *arguments, "--threads", str(settings.num_threads))
