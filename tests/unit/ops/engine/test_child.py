"""Which engine `precis up` starts for a role, and by which rules it is judged."""

from pathlib import Path

import pytest

from models.bundle import Role
from ops.engine.child import engine_child
from ops.engine.launch import Dtype
from ops.settings import load_settings
from schemas.errors import ConfigurationError
from tests.unit.ops.engine.builders import options


def environments(folder: Path, *names: str) -> Path:
    """A home with these interpreters, which nobody runs."""
    for name in names:
        python = folder / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
    return folder


def child(home: Path, role: Role, **chosen):
    settings = load_settings(engine={"home": home, "num_threads": 1}, **chosen)
    return engine_child(settings, role, host="127.0.0.1", port=8100, log_file=home / "log")


def test_the_local_engine_is_the_default(tmp_path):
    """It needs nothing that `make setup` has not made."""
    found = child(environments(tmp_path, "base"), Role.RANKER)
    assert "models.engine" in found.spec.command
    assert (found.spec.name, found.dtype) == ("ranker-engine", Dtype.FLOAT32)


@pytest.mark.parametrize(
    ("role", "section", "engine", "module"),
    [
        (Role.SUMMARIZER, "summarizer", "vllm", "vllm.entrypoints.openai.api_server"),
        (Role.RANKER, "ranker", "sglang", "sglang.launch_server"),
    ],
)
def test_another_one_is_started_with_its_own_python_and_flags(tmp_path, role, section, engine, module):
    """As `precis engine run` would, for this machine; its workers end with it."""
    found = child(environments(tmp_path, engine), role, **{section: {"engine": engine}})
    python, _, named, *_ = found.spec.command
    assert (python, named) == (str(tmp_path / engine / "bin" / "python"), module)
    assert options(found.spec.command)["--dtype"] == found.dtype == Dtype.FLOAT32
    assert found.spec.environment["OMP_NUM_THREADS"] == "1"
    assert found.spec.has_children


def test_an_engine_that_is_not_installed_names_the_command_that_installs_it(tmp_path):
    """Before anything is started."""
    with pytest.raises(ConfigurationError, match="run `precis engine install vllm`"):
        child(environments(tmp_path, "base"), Role.SUMMARIZER, summarizer={"engine": "vllm"})


@pytest.mark.parametrize("engine", ["local", "sglang"])
def test_the_precision_of_the_settings_is_the_engines_and_that_of_the_canary_rules(tmp_path, engine):
    """Said for one role, it changes nothing for the other."""
    home = environments(tmp_path, "base", "sglang")
    found = child(home, Role.RANKER, ranker={"engine": engine, "dtype": "bfloat16"})
    assert options(found.spec.command)["--dtype"] == found.dtype == Dtype.BFLOAT16
    assert child(home, Role.SUMMARIZER, ranker={"dtype": "bfloat16"}).dtype == Dtype.FLOAT32
