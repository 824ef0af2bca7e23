"""The machine that a bench ran on."""

from pathlib import Path

__all__ = ["cpu_model"]


def cpu_model() -> str:
    """As the kernel names it; empty where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
