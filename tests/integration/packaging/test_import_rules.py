"""Import rules that import-linter cannot say: what a package may use, rather than what it may not."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OWN = {"schemas", "store", "models", "stream", "serve", "ops"}


def _imports(folder: Path) -> Iterator[tuple[str, Path]]:
    """Top-level names imported by the modules below a folder, with the importing file."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], path) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.partition(".")[0], path


def _third_party(folder: Path) -> dict[str, Path]:
    """Third-party top-level names -> a file that imports each."""
    return {name: path for name, path in _imports(folder) if name not in sys.stdlib_module_names and name not in OWN}


def _declared(root: Path, *extras: str) -> AbstractSet[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = list(project["dependencies"]) + [t for extra in extras for t in project["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(text).name) for text in texts}


def _undeclared(used: dict[str, Path], declared: AbstractSet[str]) -> dict[str, Path]:
    """Imports that no declared distribution provides. A module that is not installed here counts under its own name."""
    providers = packages_distributions()
    # Parts of a declared one, or all of it, under another name, whose versions move with it.
    companions = {
        "mode": "faust-streaming",
        "pydantic_core": "pydantic",
        "sklearn": "scikit-learn",
        "starlette": "fastapi",
    }
    return {
        name: path
        for name, path in used.items()
        if not {canonicalize_name(d) for d in [*providers.get(name, [name]), companions.get(name, name)]} & declared
    }


def test_schemas_need_only_pydantic_and_the_standard_library(root: Path) -> None:
    """Anyone may read the contracts with nothing else installed."""
    assert _third_party(root / "schemas").keys() <= {"pydantic", "pydantic_core"}


def test_every_import_of_the_services_is_a_declared_dependency(root: Path) -> None:
    """Nothing works only because something else happens to bring it."""
    declared = _declared(root)
    folders = ["schemas", "store", "stream", "serve", "ops"]
    folders += ["models/prompts", "models/clients", "models/faithfulness", "models/labels"]
    undeclared = {name: path for f in folders for name, path in _undeclared(_third_party(root / f), declared).items()}
    assert undeclared == {}


def _listed(root: Path, *names: str) -> AbstractSet[str]:
    texts = [(root / "requirements" / f"{name}.in").read_text(encoding="utf-8") for name in names]
    lines = [line.partition("  #")[0] for text in texts for line in text.splitlines() if line and line[0] != "#"]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_every_import_of_engine_and_training_is_in_their_locks(root: Path) -> None:
    """Their environments have no editable install to fill a gap; training's lies over the engine's."""
    base, training = _listed(root, "engine"), _listed(root, "engine", "training")
    allowed = {"schemas": base, "models/engine": base, "models/prompts": base, "models/training": training}
    undeclared = {
        name: path
        for f, listed in allowed.items()
        for name, path in _undeclared(_third_party(root / f), listed).items()
    }
    assert undeclared == {}
