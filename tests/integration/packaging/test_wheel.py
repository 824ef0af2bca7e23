"""The wheel: what is in it, and that it works without the checkout."""

import json
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

PACKAGES = ("schemas", "store", "models", "stream", "serve", "ops")
NEEDS_TORCH = ("models.engine", "models.training")

IMPORT_ALL = """
import importlib, json, pkgutil, sys
site, names, left_out = json.loads(sys.argv[1])
sys.path.append(site)
found = {}
for name in names:
    package = importlib.import_module(name)
    found[name] = package.__file__
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        is_left_out = any(module.name == prefix or module.name.startswith(prefix + ".") for prefix in left_out)
        if not is_left_out and not module.name.endswith(".__main__"):
            found[module.name] = importlib.import_module(module.name).__file__
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """The wheel, installed outside the checkout."""

    wheel: Path
    home: Path
    """Root of the environment; also a working directory without the project's sources."""

    @property
    def python(self) -> Path:
        """Interpreter of the environment."""
        return self.home / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where the project's packages lie."""
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.home)}))


def _run(command: Sequence[str | Path], cwd: Path) -> str:
    """Standard output of a command that must succeed; a failure shows all it wrote."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _import_all(
    python: Path, site: Path, cwd: Path, names: tuple[str, ...], left_out: tuple[str, ...] = ()
) -> dict[str, str]:
    """Import the packages with everything below them, in a fresh interpreter: module name -> its file."""
    # -I: neither the working directory nor PYTHONPATH is on the path. Each module is imported by name as well, because
    # walk_packages swallows the ImportError of a package.
    written = _run([python, "-I", "-c", IMPORT_ALL, json.dumps([str(site), names, left_out])], cwd)
    found: dict[str, str] = json.loads(written.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel without network and install it alone; what it depends on is seen in the environment of this test.

    The editable install there is not seen: Python does not read the path files of a folder that a path file names.
    """
    home = tmp_path_factory.mktemp("installed")
    _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", home / "dist", root], cwd=home)
    (wheel,) = (home / "dist").glob("*.whl")
    venv.create(home / "env", with_pip=False, symlinks=True)
    result = Installed(wheel, home / "env")
    result.site_packages.joinpath("dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(result.python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    _run([*install, wheel], cwd=home)
    return result


@pytest.fixture(scope="module")
def wheel_files(installed: Installed) -> list[PurePosixPath]:
    """Paths in the wheel."""
    with ZipFile(installed.wheel) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def test_wheel_holds_the_six_packages_and_nothing_else(wheel_files: list[PurePosixPath]) -> None:
    """Top-level names are the packages and the metadata: no tests, no environments, no files of the checkout."""
    assert {path.parts[0] for path in wheel_files} == {*PACKAGES, "precis-0.1.0.dist-info"}


def test_wheel_holds_every_tracked_file_of_the_packages(wheel_files: list[PurePosixPath], root: Path) -> None:
    """Code, bundles, samples and pages: all that git has below a package is installed, save what serves a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PACKAGES],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = {PurePosixPath(name) for name in listed.split("\0") if name and (root / name).exists()}
    wanted = {p for p in paths if p.parts[:2] != ("ops", "deploy") and not (p.parts[0] == "ops" and p.suffix == ".sh")}
    assert wanted - set(wheel_files) == set()


@pytest.mark.parametrize(
    ("folder", "pattern", "least"),
    [
        ("models/bundles/ranker-tiny", "model.safetensors", 1),
        ("models/bundles/ranker-tiny", "precis.json", 1),
        ("models/bundles/summarizer-tiny", "model.safetensors", 1),
        ("models/bundles/summarizer-tiny", "precis.json", 1),
        ("ops/samples", "*", 2),
        ("serve", "*.html", 1),
    ],
)
def test_wheel_holds_the_data_files(wheel_files: list[PurePosixPath], folder: str, pattern: str, least: int) -> None:
    """The demo runs from the installed wheel: both bundles, the sample postings and the scorer's page are in it."""
    found = [path for path in wheel_files if path.is_relative_to(folder) and path.match(pattern)]
    assert len(found) >= least, f"{folder}/{pattern}: {found}"


def test_every_package_imports_from_the_installed_wheel(installed: Installed) -> None:
    """All service code imports outside the checkout, from the wheel, without torch."""
    found = _import_all(installed.python, installed.site_packages, installed.home, PACKAGES, NEEDS_TORCH)
    strangers = {name: file for name, file in found.items() if not Path(file).is_relative_to(installed.site_packages)}
    assert strangers == {}
    assert len(found) > len(PACKAGES)


@pytest.mark.parametrize(
    ("environment", "package", "remedy"),
    [("base", "models.engine", "make setup"), ("training", "models.training", "make setup-training")],
)
def test_engine_and_training_import_from_the_installed_wheel_with_their_own_python(
    installed: Installed, root: Path, environment: str, package: str, remedy: str
) -> None:
    """What needs torch imports in its environment, which has the project only at the end of its path."""
    python = root / ".engines" / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment .engines/{environment}: run `{remedy}`")
    found = _import_all(python, installed.site_packages, installed.home, (package,))
    strangers = {name: file for name, file in found.items() if not Path(file).is_relative_to(installed.site_packages)}
    assert strangers == {}


def test_installed_command_explains_itself(installed: Installed) -> None:
    """`precis --help` works from the wheel."""
    assert "demo" in _run([installed.home / "bin" / "precis", "--help"], cwd=installed.home)


def test_installed_command_tells_its_version(installed: Installed) -> None:
    """`precis --version` is that of the wheel."""
    told = _run([installed.home / "bin" / "precis", "--version"], cwd=installed.home)
    assert re.fullmatch(r"precis \d+\.\d+\.\d+\s*", told)
