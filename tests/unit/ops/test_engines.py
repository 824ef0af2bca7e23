"""Which Python runs what needs torch."""

from pathlib import Path

import pytest

from ops.engines import engine_python, module_command
from ops.settings import LocalEngine
from schemas.errors import ConfigurationError


def settings_with(tmp_path: Path, *environments: str) -> LocalEngine:
    for name in environments:
        python = tmp_path / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
    return LocalEngine(home=tmp_path)


def test_each_module_runs_in_the_environment_that_it_names(tmp_path: Path) -> None:
    """The engine's by default; training's over it."""
    settings = settings_with(tmp_path, "base", "training")
    assert module_command(settings, "models.engine")[0] == str(tmp_path / "base" / "bin" / "python")
    command = module_command(settings, "models.training.reinforce.gspo", "--steps", "8", environment="training")
    assert command[0] == str(tmp_path / "training" / "bin" / "python")
    assert command[-3:] == ["models.training.reinforce.gspo", "--steps", "8"]


@pytest.mark.parametrize(("environment", "remedy"), [("base", "`make setup`"), ("training", "`make setup-training`")])
def test_an_environment_that_is_missing_is_named_with_its_remedy(tmp_path: Path, environment: str, remedy: str) -> None:
    """The other one being there does not help."""
    settings = settings_with(tmp_path, *({"base", "training"} - {environment}))
    with pytest.raises(ConfigurationError, match=remedy):
        engine_python(settings, environment)
