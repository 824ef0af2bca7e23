"""What the log of a failed engine says, and what to do about it. Pure."""

import re

from ops.engine.launch import EngineName

__all__ = ["log_end", "remedies"]

_NUM_LINES = 12
_NUM_CAUSES = 3
# A server with workers ends with "see root cause above": the lines that name an exception are the cause, first of all
# the earliest.
_CAUSE = re.compile(r"\b\w*(?:Error|Exception)\b: \S")
_KILLED = -9


def log_end(text: str) -> str:
    """The earliest lines that name an exception, and the last lines, indented."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    tail = lines[-_NUM_LINES:]
    causes = list(dict.fromkeys(line for line in lines[:-_NUM_LINES] if _CAUSE.search(line)))[:_NUM_CAUSES]
    shown = [*causes, *(["..."] if causes else []), *tail] or ["(empty)"]
    return "\n".join(f"  {line}" for line in shown)


def remedies(text: str, exit_code: int | None, engine: EngineName) -> list[str]:
    """What to do, where the log or the exit status shows it.

    Args:
        text: The log.
        exit_code: Negative: the signal that ended it; None: it still ran.
        engine: Which.
    """
    found = [remedy for pattern, remedy in _REMEDIES if re.search(pattern, text, re.IGNORECASE)]
    if exit_code == _KILLED:
        found.append(
            "it was killed, most likely for memory: free some, use --dtype bfloat16, less --kv-mib or another bundle"
        )
    return [remedy.format(engine=engine) for remedy in found]


_REMEDIES = (
    (
        r"No module named 'flashinfer|requires flashinfer|flashinfer is not (available|installed)",
        "multi-item scoring needs FlashInfer in SGLang's environment: install it there, or run with --no-multi-item",
    ),
    (r"address already in use|Errno 98", "choose another --port, or stop what listens there"),
    (
        r"ModuleNotFoundError|ImportError: cannot import|PackageNotFoundError",
        "the environment is damaged or another one: `precis engine doctor`, then `precis engine install {engine}`",
    ),
    (
        r"illegal instruction",
        "this processor lacks an instruction that the build uses; `precis engine run local` needs none",
    ),
    (
        r"out of memory|cannot allocate memory|bad_alloc|not enough memory",
        "free memory, use --dtype bfloat16, a smaller --kv-mib or a smaller bundle",
    ),
    (
        r"larger than the available KV cache|KV cache is needed|max seq len .* is larger|Not enough memory\.",
        "give it more --kv-mib, or a shorter --context",
    ),
    (r"no space left on device", "free disk space, /dev/shm included: workers talk through it"),
    (
        r"CUDA driver version is insufficient|no CUDA-capable device",
        "install the NVIDIA driver, or run with --device cpu",
    ),
)
