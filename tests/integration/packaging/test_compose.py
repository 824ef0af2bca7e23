"""docker-compose.yml: valid, pinned, and of one mind with settings and command. It is never started here."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from ops.settings import Settings

WAITING = {"service_healthy", "service_completed_successfully"}


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    """The file, anchors resolved."""
    document: dict[str, Any] = YAML(typ="safe").load(root / "docker-compose.yml")
    return document


def _fields(model: type[BaseModel], prefix: str) -> set[str]:
    """Environment variables that set the fields of a settings model."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        names.add(variable)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= _fields(field.annotation, f"{variable}__")
    return names


def _dependencies(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = service.get("depends_on", {})
    return found


def test_file_follows_the_compose_specification(root: Path) -> None:
    """The schema is the specification's own, carried by check-jsonschema: no network."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        "docker-compose.yml",
    ]
    done = subprocess.run(
        [*command, "docker-compose.yml"], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_image_is_pinned(compose: dict[str, Any]) -> None:
    """No image follows `latest`: each names a version."""
    images = {service["image"] for service in compose["services"].values()}
    assert [image for image in sorted(images) if not re.search(r":\S*\d+\.\d+", image)] == []


def test_start_order_waits_for_what_can_be_waited_for(compose: dict[str, Any]) -> None:
    """Each dependency exists and can reach its state: healthy, or ended. Those of a profile are optional."""
    services = compose["services"]
    for name, service in services.items():
        for target, wait in _dependencies(service).items():
            assert wait["condition"] in WAITING, f"{name} -> {target}"
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[target], f"{name} -> {target}"
            else:
                assert "restart" not in services[target], f"{name} waits for {target} to end, and it is restarted"
            if "profiles" in services[target]:
                assert wait.get("required") is False, f"{name} -> {target}"


def test_long_running_services_have_health_checks(compose: dict[str, Any]) -> None:
    """What is restarted is watched."""
    unwatched = [n for n, s in compose["services"].items() if "restart" in s and "healthcheck" not in s]
    assert unwatched == []


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_each_profile_has_one_summarizer_and_one_ranker(compose: dict[str, Any], profile: str) -> None:
    """The services find an engine under the same two names, whichever profile runs."""
    engines = [s for s in compose["services"].values() if profile in s.get("profiles", [])]
    aliases = sorted(alias for s in engines for alias in s["networks"]["default"]["aliases"])
    assert aliases == ["ranker", "summarizer"]


def test_environment_names_settings_that_exist(compose: dict[str, Any]) -> None:
    """A renamed setting shows here, not in a container."""
    used = {v for s in compose["services"].values() for v in s.get("environment", {}) if v.startswith("PRECIS_")}
    assert used
    assert used - _fields(Settings, "PRECIS_") == set()


def test_commands_exist(compose: dict[str, Any], root: Path) -> None:
    """Every `precis ...` that a container runs is a command of this version."""
    commands = {tuple(s["command"]) for s in compose["services"].values() if s["image"].startswith("precis:")}
    assert ("nearline",) in commands
    for command in commands:
        done = subprocess.run(
            [Path(sys.executable).with_name("precis"), *command, "--help"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"precis {' '.join(command)}: {done.stderr}"


def test_mounted_and_built_files_exist(compose: dict[str, Any], root: Path) -> None:
    """Dockerfiles and mounted configuration are in the checkout."""
    services = compose["services"].values()
    wanted = {s["build"]["dockerfile"] for s in services if "build" in s}
    wanted |= {v.split(":")[0] for s in services for v in s.get("volumes", []) if v.startswith("./")}
    assert [path for path in sorted(wanted) if not (root / path).exists()] == []
