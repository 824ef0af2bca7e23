"""An engine as a child of `precis up`: the one that the settings name, on this machine's hardware."""

from dataclasses import dataclass, replace
from pathlib import Path

from models.bundle import Role, load_bundle
from ops.engine.hardware import find_hardware
from ops.engine.launch import Dtype, EngineName, Wishes, default_dtype, stored_bytes
from ops.engine.prepare import prepare
from ops.engine.process import engine_spec
from ops.engines import local_engine_command
from ops.settings import Settings, environment_for
from ops.supervise import ChildSpec

__all__ = ["EngineChild", "engine_child"]

# Engines compute for as long as they are let, on the cores that the services answer from. So the services go first: a
# refusal must not wait for the pass that it is about. Online before nearline.
_NICENESS = {Role.RANKER: 5, Role.SUMMARIZER: 10}


@dataclass(frozen=True, slots=True)
class EngineChild:
    """How an engine is run, and what its canaries are judged by.

    Attributes:
        spec: Of its process.
        dtype: Type of its computation.
    """

    spec: ChildSpec
    dtype: Dtype


def engine_child(settings: Settings, role: Role, *, host: str, port: int, log_file: Path) -> EngineChild:
    """The engine of a role.

    Args:
        settings: Name engine, bundle, environments and threads.
        role: Whose.
        host: Address to listen on.
        port: Port to listen on, above 0.
        log_file: Takes its output.

    Raises:
        ConfigurationError: The engine's environment or the bundle is missing, or the bundle does not fit.
    """
    chosen = settings.ranker if role is Role.RANKER else settings.summarizer
    engine, local = EngineName(chosen.engine), settings.engine
    dtype = Dtype(chosen.dtype) if chosen.dtype else None
    if engine is EngineName.LOCAL:
        load_bundle(chosen.bundle, role)  # what it lacks is told before anything starts
        dtype = dtype or default_dtype(stored_bytes(chosen.bundle), find_hardware())
        spec = ChildSpec(
            name=f"{role}-engine",
            command=local_engine_command(local, bundle=chosen.bundle, role=role, host=host, port=port, dtype=dtype),
            environment=environment_for({}),
            ready_url=f"http://{host}:{port}/health",
            log_file=log_file,
            start_timeout_s=local.start_timeout_s,
            niceness=_NICENESS[role],
        )
        return EngineChild(spec, dtype)
    bundle, wishes = load_bundle(chosen.bundle.resolve(), role), Wishes(threads=local.num_threads, dtype=dtype)
    prepared = prepare(engine, bundle, find_hardware(), home=local.home, host=host, port=port, wishes=wishes)
    spec = engine_spec(f"{role}-engine", prepared, log_file=log_file, inherited=environment_for({}))
    return EngineChild(replace(spec, niceness=_NICENESS[role]), prepared.task.dtype)
