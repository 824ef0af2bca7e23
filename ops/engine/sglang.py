"""How SGLang is started. Pure."""

from ops.engine.launch import Device, Launch, Task
from ops.engine.multi_item import packs_items, sequence_tokens

__all__ = ["sglang_launch"]

# An upper bound only: --max-total-tokens says how much is taken.
_CPU_MEMORY_SHARE = "0.8"


def sglang_launch(task: Task) -> Launch:
    """Flags and environment of SGLang's server: ``/v1/score``, ``/v1/completions``.

    Raises:
        ConfigurationError: The task wants multi-item scoring, and it cannot be had.
    """
    is_packing = packs_items(task)
    context_tokens = sequence_tokens(task) if is_packing else task.context_tokens
    arguments = [
        *("-m", "sglang.launch_server"),
        *("--model-path", str(task.bundle.path)),
        # What /v1/models tells clients, who learn from it which weights answer.
        *("--served-model-name", task.bundle.revision),
        *("--host", task.host),
        *("--port", str(task.port)),
        *("--device", task.device.value),
        *("--dtype", task.dtype.value),  # said always: left out, a float32 checkpoint runs in float16
        *("--context-length", str(context_tokens)),
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
    if is_packing:
        # It switches radix cache, chunked prefill and CUDA graphs off by itself; another attention it refuses.
        arguments += ["--enable-mis", "--attention-backend", "flashinfer"]
        # Else /health sends a prompt to complete, and the scheduler ends where that meets a score request in one batch.
        environment |= {"SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "0"}
    return Launch(tuple(arguments), environment)
