"""How SGLang is started. Pure."""

from ops.engine.launch import Device, Launch, Task

__all__ = ["sglang_launch"]

# An upper bound only: --max-total-tokens says how much is taken.
_CPU_MEMORY_SHARE = "0.8"


def sglang_launch(task: Task) -> Launch:
    """Flags and environment of SGLang's server: ``/v1/score``, ``/v1/completions``."""
    arguments = [
        *("-m", "sglang.launch_server"),
        *("--model-path", str(task.bundle.path)),
        # What /v1/models tells clients, who learn from it which weights answer.
        *("--served-model-name", task.bundle.revision),
        *("--host", task.host),
        *("--port", str(task.port)),
        *("--device", task.device.value),
        *("--dtype", task.dtype.value),  # said always: left out, a float32 checkpoint runs in float16
        *("--context-length", str(task.context_tokens)),
        *("--max-total-tokens", str(task.kv_tokens)),
        *("--log-level-http", "warning"),
        "--enable-metrics",
        "--sleep-on-idle",  # else the scheduler spins on one core when there is nothing to do
    ]
    environment = {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": str(task.threads),
        "SGLANG_REQUEST_STATE_WAIT_TIMEOUT": "1",  # seconds between looks whether a caller has left; 4 by default
    }
    if task.device is Device.CPU:
        # PyTorch's own attention, with AMX or without: sgl_kernel has no build for the CPU (requirements/cpu_shims).
        arguments += ["--attention-backend", "torch_native", "--mem-fraction-static", _CPU_MEMORY_SHARE]
        # Its processes inherit the first; the second lets waiting threads leave a core to others.
        environment |= {"SGLANG_USE_CPU_ENGINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return Launch(tuple(arguments), environment)
