"""The lock files: complete, hashed, of one mind, and free of addresses."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = (
    "services.lock",
    "dev.lock",
    "build.lock",
    "engine.lock",
    "vllm.lock",
    "sglang.lock",
    "training.lock",
    "rerank_clients.lock",
)


def _pins(text: str) -> dict[Requirement, list[str]]:
    """Requirement -> its hashes."""
    joined = text.replace("\\\n", " ")
    entries = [line.split() for line in joined.splitlines() if line and not line.startswith((" ", "#"))]
    return {
        Requirement(" ".join(word for word in entry if not word.startswith("--hash="))): [
            word for word in entry if word.startswith("--hash=")
        ]
        for entry in entries
    }


def _versions(root: Path, lock: str) -> dict[str, set[str]]:
    """Canonical name -> pinned versions (several where they differ by Python version)."""
    versions: dict[str, set[str]] = {}
    for pin in _pins((root / "requirements" / lock).read_text(encoding="utf-8")):
        (specifier,) = pin.specifier
        assert specifier.operator == "==", f"{lock}: {pin} is no pin"
        versions.setdefault(canonicalize_name(pin.name), set()).add(specifier.version)
    return versions


def _unmet(requirements: list[str], versions: dict[str, set[str]]) -> list[str]:
    """Requirements that the pins do not satisfy."""
    wanted = [Requirement(text) for text in requirements]
    return [
        str(need)
        for need in wanted
        if not (pinned := versions.get(canonicalize_name(need.name)))
        or not all(need.specifier.contains(version) for version in pinned)
    ]


def _lines(path: Path) -> list[str]:
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(root: Path, lock: str) -> None:
    """The file fits `pip --require-hashes`: each requirement is an exact version with sha256 hashes."""
    pins = _pins((root / "requirements" / lock).read_text(encoding="utf-8"))
    assert pins
    bad = [
        str(pin)
        for pin, hashes in pins.items()
        if not hashes or not all(h.startswith("--hash=sha256:") for h in hashes)
    ]
    assert bad == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_address_and_no_folder_of_a_machine(root: Path, lock: str) -> None:
    """Where packages come from is the machine's matter: no index, no URL, no wheel folder, no absolute path."""
    text = (root / "requirements" / lock).read_text(encoding="utf-8")
    assert re.findall(r"\w+://\S+|--(?:index|extra-index|find-links)\S*|(?<![\w.])/[a-z]+/\S*", text) == []


def test_locks_satisfy_what_they_are_made_from(root: Path) -> None:
    """A dependency added to pyproject.toml or *.in without `make lock` shows here."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sources = {
        "services.lock": project["dependencies"],
        "dev.lock": project["dependencies"] + _lines(root / "requirements/dev.in"),
        "build.lock": _lines(root / "requirements/build.in"),
        "engine.lock": project["optional-dependencies"]["engine"] + _lines(root / "requirements/engine.in"),
        "training.lock": _lines(root / "requirements/training.in"),
        "rerank_clients.lock": _lines(root / "requirements/rerank_clients.in"),
    }
    unmet = {lock: _unmet(wanted, _versions(root, lock)) for lock, wanted in sources.items()}
    assert unmet == {lock: [] for lock in sources}


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_an_engine_installs_what_its_list_says_and_no_second_torch(root: Path, engine: str) -> None:
    """The lists are complete by hand; what is large, and what both engines were measured on, comes from the base."""
    pinned, base = _versions(root, f"{engine}.lock"), _versions(root, "engine.lock")
    assert _unmet(_lines(root / f"requirements/{engine}.in"), pinned) == []
    assert len(_lines(root / f"requirements/{engine}.in")) == len(pinned)
    shared = {"torch", "transformers", "tokenizers", "numpy", "safetensors", "triton"}
    assert shared & pinned.keys() == set()
    assert shared <= base.keys()


def test_training_adds_to_the_base_and_repeats_none_of_it(root: Path) -> None:
    """Its lock is what a resolver found beside the base's pins, without them: torch is on disk once, and no vision."""
    pinned, base = _versions(root, "training.lock"), _versions(root, "engine.lock")
    assert pinned.keys() & base.keys() == set()
    assert {"torchvision", "torchaudio", "torchcodec", "vllm"} & pinned.keys() == set()


def test_tests_run_on_the_versions_that_services_run_on(root: Path) -> None:
    """dev.lock is services.lock and more."""
    services, dev = _versions(root, "services.lock"), _versions(root, "dev.lock")
    assert {name: dev.get(name) for name in services} == services


def test_services_and_engine_tokenise_with_one_version(root: Path) -> None:
    """What both sides read or write for each other is pinned alike: token ids, postings, bundles."""
    services, engine = _versions(root, "services.lock"), _versions(root, "engine.lock")
    shared = ("tokenizers", "pydantic", "pydantic-core", "numpy", "ir-measures")
    assert {name: services[name] for name in shared} == {name: engine[name] for name in shared}


def test_services_stay_free_of_torch(root: Path) -> None:
    """Neither torch nor what stands on it is installed for the services, the checks or the wheel's build."""
    heavy = {"torch", "transformers", "safetensors", "triton", "vllm", "sglang"}
    for lock in ("services.lock", "dev.lock", "build.lock", "rerank_clients.lock"):
        assert heavy & _versions(root, lock).keys() == set(), lock
