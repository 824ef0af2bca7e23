"""The teachers' weights: pinned, fetched once, refused where they are others."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.labels.teachers.weights import TEACHERS
from ops.cli import app
from ops.labels import teachers
from ops.labels.teachers import fetch_teachers, find_teachers, teachers_folder
from schemas.errors import BackendProtocolError, ConfigurationError


def test_the_pom_asks_for_the_jars_that_the_code_pins():
    """Name and version of each, and nothing else."""
    pom = Path(teachers.__file__).with_name("pom.xml").read_text()
    found = re.findall(r"<artifactId>(langchain4j-.*)</artifactId>\s*<version>(.*)</version>", pom)
    assert sorted(f"{name}-{version}.jar" for name, version in found) == sorted(each.jar for each in TEACHERS)


def test_forged_weights_are_refused_by_name(tmp_path):
    """None of them is used afterwards."""

    def forged(folder):
        for teacher in TEACHERS:
            (folder / teacher.jar).write_bytes(b"forged")

    with pytest.raises(BackendProtocolError, match=f"{TEACHERS[0].jar} has SHA-256 .*, expected {TEACHERS[0].sha256}"):
        fetch_teachers(tmp_path, fetch=forged)
    with pytest.raises(ConfigurationError):
        teachers_folder(tmp_path)


def test_without_weights_the_command_says_how_to_get_them(tmp_path, monkeypatch):
    """Nothing is fetched behind one's back."""
    monkeypatch.setenv("PRECIS_ENV_CACHE", str(tmp_path))
    done = CliRunner().invoke(app, ["label", "teacher", "--pairs", "p", "--out", "o", "--map", "world"])
    assert isinstance(done.exception, ConfigurationError)
    assert "run `precis label fetch-teachers`" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["eval", "report"], ["train", "small-ranker"]])
def test_a_command_that_could_use_them_goes_on_without(command, tmp_path, monkeypatch):
    """The report leaves that comparison out by itself: it needs no weights to start."""
    monkeypatch.setenv("PRECIS_ENV_CACHE", str(tmp_path))
    ran = []
    monkeypatch.setattr("ops.commands.models.run_module", lambda *args, **_: ran.append(args))
    done = CliRunner().invoke(app, [*command, "--out", "x"])
    assert done.exception is None
    assert find_teachers(tmp_path) is None
    assert [arguments for _, arguments in ran] == [["--out", "x"]]
