"""Shared by all tests, in both environments (so: standard library and pytest): which tests may skip, and saying so.

A test that needs a tool carries a marker; where the tool is missing it is skipped with the reason. With
``PRECIS_REQUIRE_ALL=1`` a skip is a failure, except for what no registry can install: those are counted at the end.
"""

import importlib.util
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_SKIP = ("gpu", "docker", "couchbase_server", "shared_data")
"""Markers of tests that may skip even where everything is required."""

_MAY_SKIP_COUNTS = pytest.StashKey[Counter[str]]()


def _is_everything_required() -> bool:
    return os.environ.get("PRECIS_REQUIRE_ALL", "") not in {"", "0"}


def _shared_data_dir() -> Path:
    return Path(os.environ.get("PRECIS_SHARED_DATA") or ROOT.parent / "shared" / "data")


def _without_engine() -> str | None:
    return None if importlib.util.find_spec("torch") else "torch is missing: run with .engines/base/bin/python"


def _without_vllm() -> str | None:
    return _without_engine_environment("vllm")


def _without_sglang() -> str | None:
    return _without_engine_environment("sglang")


def _without_engine_environment(name: str) -> str | None:
    is_there = (ROOT / ".engines" / name / ".complete").exists()
    return None if is_there else f"no environment .engines/{name}: run `precis engine install {name}`"


def _without_training() -> str | None:
    is_there = importlib.util.find_spec("trl") is not None
    return None if is_there else "trl is missing: run `make setup-training`, then with .engines/training/bin/python"


def _without_rerank_clients() -> str | None:
    is_there = (ROOT / ".engines" / "rerank_clients" / ".complete").exists()
    return None if is_there else "no environment .engines/rerank_clients: run `make setup-rerank-clients`"


def _without_java() -> str | None:
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)} on PATH" if missing else None


def _without_gpu() -> str | None:
    return None if Path("/dev/nvidiactl").exists() else "no NVIDIA GPU"


def _without_docker() -> str | None:
    docker = shutil.which("docker")
    if docker is None:
        return "no docker on PATH"
    answers = subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False).returncode == 0
    return None if answers else "no Docker engine answers"


def _without_couchbase_server() -> str | None:
    return None if os.environ.get("PRECIS_TEST_COUCHBASE_URL") else "PRECIS_TEST_COUCHBASE_URL names no server"


def _without_shared_data() -> str | None:
    return None if _shared_data_dir().is_dir() else f"no evaluation data at {_shared_data_dir()} (PRECIS_SHARED_DATA)"


NEEDS: dict[str, Callable[[], str | None]] = {
    "engine": cache(_without_engine),
    "vllm": cache(_without_vllm),
    "sglang": cache(_without_sglang),
    "training": cache(_without_training),
    "rerank_clients": cache(_without_rerank_clients),
    "java": cache(_without_java),
    "gpu": cache(_without_gpu),
    "docker": cache(_without_docker),
    "couchbase_server": cache(_without_couchbase_server),
    "shared_data": _without_shared_data,
}
"""Marker -> why a test that carries it cannot run here, None where it can."""

FIXTURES_THAT_NEED = {"shared_data": "shared_data", "kafka": "java", "kafka3": "java"}
"""Fixture -> marker of the tests that take it."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of the evaluation data; tests that take it are marked ``shared_data``, so they skip without it."""
    return _shared_data_dir()


def _use_repeatable_examples() -> None:
    """Hypothesis draws the same examples in every run and sets no time limit: this machine is shared."""
    if importlib.util.find_spec("hypothesis") is None:  # the engine environment does without
        return
    from hypothesis import settings  # noqa: PLC0415 - see above

    settings.register_profile("precis", derandomize=True, deadline=None, database=None)
    settings.load_profile("precis")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected."""
    config.stash[_MAY_SKIP_COUNTS] = Counter()
    _use_repeatable_examples()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """A plain ``pytest`` in the services' environment leaves out what runs in the other one."""
    return True if collection_path == ROOT / "tests" / "engine" and NEEDS["engine"]() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run here."""
    for item in items:
        for fixture in FIXTURES_THAT_NEED.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(FIXTURES_THAT_NEED[fixture])
        for marker, reason_without in NEEDS.items():
            if item.get_closest_marker(marker) and (reason := reason_without()):
                item.add_marker(pytest.mark.skip(reason=f"{marker}: {reason}"))


def _as_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{reason}\nPRECIS_REQUIRE_ALL is set: only tests marked {', '.join(MAY_SKIP)} may skip"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count an excused skip; where everything is required, fail any other."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        excuse = next((marker for marker in MAY_SKIP if item.get_closest_marker(marker)), None)
        if excuse is not None:
            item.config.stash[_MAY_SKIP_COUNTS][excuse] += 1
        elif _is_everything_required():
            _as_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is read."""
    report = yield
    if report.outcome == "skipped" and _is_everything_required():
        _as_failure(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much was excused."""
    counts = config.stash[_MAY_SKIP_COUNTS]
    listed = ", ".join(f"{marker} {counts[marker]}" for marker in MAY_SKIP)
    terminalreporter.write_line(f"skipped for what the machine lacks: {listed}")
