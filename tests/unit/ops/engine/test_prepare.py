"""From a name and a bundle to what is started: environment and device, where nothing was said."""

from pathlib import Path

import pytest

from models.bundle import Role
from ops.engine.launch import Device, EngineName, Wishes
from ops.engine.prepare import launch_for, prepare
from schemas.errors import ConfigurationError
from tests.unit.ops.engine.builders import H200, large, machine

GPU = machine(gpus=[H200])


def environment(folder: Path, engine: str, *, is_cpu_build: bool) -> Path:
    """A home with this engine's interpreter, which nobody runs."""
    packages = folder / engine / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    if is_cpu_build:
        (packages / "zz_base.pth").touch()
    python = folder / engine / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    return folder


def prepared(home: Path, hardware=GPU, python: Path | None = None, **wishes):
    bundle = large(home, Role.RANKER, weights_gib=1.2)
    return prepare(
        EngineName.SGLANG,
        bundle,
        hardware,
        home=home,
        host="127.0.0.1",
        port=8100,
        wishes=Wishes(**wishes),
        python=python,
    )


def test_a_gpu_is_used_where_the_environment_can(tmp_path):
    """And the command line is the one for it."""
    made = prepared(environment(tmp_path, "sglang", is_cpu_build=False))
    assert made.task.device is Device.CUDA
    assert made.python == tmp_path / "sglang" / "bin" / "python"
    assert made.launch == launch_for(EngineName.SGLANG, made.task, GPU)


def test_a_build_for_the_cpu_stays_there(tmp_path):
    """As does a machine without a GPU."""
    home = environment(tmp_path, "sglang", is_cpu_build=True)
    assert prepared(home).task.device is Device.CPU
    assert prepared(home, machine()).task.device is Device.CPU


def test_what_was_said_wins(tmp_path):
    """Another environment's Python, another device."""
    other = environment(tmp_path / "other", "mine", is_cpu_build=False) / "mine" / "bin" / "python"
    assert prepared(tmp_path, python=other).python == other
    assert prepared(tmp_path, python=other).task.device is Device.CUDA
    assert prepared(tmp_path, python=other, device=Device.CPU).task.device is Device.CPU


def test_an_environment_that_is_missing_is_named_with_the_command_that_makes_it(tmp_path):
    """Before the bundle is weighed."""
    with pytest.raises(ConfigurationError, match="precis engine install sglang"):
        prepared(tmp_path)
