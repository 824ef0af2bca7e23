"""How the local engine is started. Pure."""

from ops.engine.launch import Launch, Task
from ops.engines import module_arguments

__all__ = ["local_launch"]


def local_launch(task: Task) -> Launch:
    """Flags of `python -m models.engine`: ``/v1/score``, ``/v1/completions``."""
    options = [
        *("--bundle", str(task.bundle.path)),
        *("--role", task.role.value),
        *("--host", task.host),
        *("--port", str(task.port)),
        *("--device", task.device.value),
        *("--dtype", task.dtype.value),
        *("--threads", str(task.threads)),
        *("--max-context", str(task.context_tokens)),
        *("--kv-cache-mib", str(task.kv_bytes >> 20)),
    ]
    return Launch(tuple(module_arguments("models.engine", *options)))
